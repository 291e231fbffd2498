//! The page: a session, its terminal, its files.

import { PersistError, createBrowserWorkerSession, removePersisted } from "wasmsh";
import { EXAMPLES } from "./examples.js";
import { isLink, linkTo, linked } from "./link.js";
import { Console } from "./terminal.js";

const WORKSPACE = "/workspace";

/** @template {HTMLElement} T @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id));
const status = element("status");
const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

const failure = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

const terminal = new Console(element("terminal"));
const began = performance.now();

/** @param {import("../types/index.js").BrowserSessionOptions} options */
const open = (options) => createBrowserWorkerSession({
  assetBaseUrl: new URL("wasmsh/", document.baseURI),
  worker: new Worker(new URL("worker.js", document.baseURI), { type: "module" }),
  onProgress: ({ component, loaded, total }) => {
    const what = component === "core" ? "the shell" : "Python";
    status.textContent = loaded < total ? `Loading ${what}: ${megabytes(loaded)} of ${megabytes(total)}` : `${what[0].toUpperCase()}${what.slice(1)} is loaded.`;
  },
  ...options,
});

const PERSIST = /** @type {const} */ ({ store: "indexeddb", name: "page", onError: (/** @type {Error} */ error) => (status.textContent = error.message) });

/** The session, and what is to be said of it: that of a link is the visitor's only to look at; their own stays as it was. */
async function begin() {
  try {
    const snapshot = await linked();
    if (snapshot !== undefined) return { session: await open({ snapshot }), kept: false, said: "This session came by a link; it is not kept." };
  } catch (error) {
    return { session: await open({}), kept: false, said: `The link cannot be opened: ${failure(error)}.` };
  }
  try {
    return { session: await open({ persist: PERSIST }), kept: true, said: "" };
  } catch (error) {
    const why = error instanceof PersistError ? "" : " What is kept cannot be read: “Start anew” removes it.";
    return { session: await open({}), kept: false, said: `This session is not kept: ${failure(error)}.${why}` };
  }
}

const { session, kept, said } = await begin();
if (!kept) element("hint").textContent = "Drop files here. They go with this page.";
status.textContent = said === "" ? `Ready in ${Math.round(performance.now() - began)} ms.` : said;
await terminal.begin(session);
document.documentElement.dataset.ready = "true";

/** The directory that is shown. */
let shown = WORKSPACE;

async function refresh() {
  if (!(await session.exists(shown))) shown = WORKSPACE;
  const { entries } = await session.listDir(shown);
  element("path").textContent = shown;
  const list = element("files");
  list.classList.toggle("empty", entries.length === 0 && shown === "/");
  const items = entries.map(({ name, type, size }) => item(name, type === "directory", size, () => void show(`${shown === "/" ? "" : shown}/${name}`, type === "directory")));
  if (shown !== "/") items.unshift(item("..", true, 0, () => void show(shown.slice(0, shown.lastIndexOf("/")) || "/", true)));
  list.replaceChildren(...items);
}

/** @param {string} name @param {boolean} directory @param {number} size @param {() => void} act */
function item(name, directory, size, act) {
  const line = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "name";
  button.textContent = directory ? `${name}/` : name;
  button.title = directory ? `Show ${name}` : `Download ${name}`;
  button.addEventListener("click", act);
  line.append(button);
  if (!directory) {
    const label = document.createElement("span");
    label.className = "size";
    label.textContent = size < 1000 ? `${size} B` : size < 1e6 ? `${(size / 1000).toFixed(1)} kB` : megabytes(size);
    line.append(label);
  }
  return line;
}

/** @param {string} path @param {boolean} directory */
async function show(path, directory) {
  if (directory) {
    shown = path;
    await refresh();
  } else {
    download(await session.readBlob(path), path.slice(path.lastIndexOf("/") + 1));
  }
}

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {Iterable<File>} files */
async function upload(files) {
  for (const file of files) {
    await session.writeFile(`${shown}/${file.name}`, file);
    status.textContent = `${file.name} is in ${shown}.`;
  }
  await refresh();
}

terminal.onrun = () => void refresh();
await refresh();

element("examples").append(...EXAMPLES.map(({ title, script }) => {
  const line = document.createElement("li");
  const button = document.createElement("button");
  const code = document.createElement("code");
  button.type = "button";
  button.textContent = title;
  code.textContent = script;
  button.append(code);
  button.addEventListener("click", () => void terminal.enter(script));
  line.append(button);
  return line;
}));

/** @type {HTMLInputElement} */
const input = element("upload");
input.addEventListener("change", () => void upload(input.files ?? []).then(() => (input.value = "")));
element("choose").addEventListener("click", () => input.click());
element("share").addEventListener("click", async () => {
  try {
    const snapshot = await session.snapshot();
    const link = await linkTo(snapshot);
    if (link === undefined) {
      download(new Blob([/** @type {any} */ (snapshot)]), "session.wasmsh");
      status.textContent = "The session is too large for a link: here it is as a file.";
      return;
    }
    const field = /** @type {HTMLInputElement} */ (element("link"));
    field.value = link;
    element("link-field").hidden = false;
    field.select();
    const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
    status.textContent = copied ? `The link is copied; ${link.length} characters.` : "Copy the link from the field.";
  } catch (error) {
    status.textContent = `No link: ${failure(error)}.`;
  }
});
element("archive").addEventListener("click", async () => download(new Blob([/** @type {any} */ (await session.exportTar(WORKSPACE))], { type: "application/x-tar" }), "workspace.tar"));
element("reset").addEventListener("click", async () => {
  if (!confirm("All files and variables of the session are removed. Go on?")) return;
  await session.close().catch(() => {});
  await removePersisted(PERSIST).catch((error) => alert(failure(error)));
  history.replaceState(null, "", location.href.split("#")[0]);
  location.reload();
});
element("reader").addEventListener("change", (event) => {
  terminal.terminal.options.screenReaderMode = /** @type {HTMLInputElement} */ (event.target).checked;
});

const aside = /** @type {HTMLElement} */ (document.querySelector("aside"));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  aside.classList.add("over");
});
document.addEventListener("dragleave", () => aside.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  aside.classList.remove("over");
  void upload(event.dataTransfer?.files ?? []);
});

addEventListener("hashchange", () => {
  if (isLink()) location.reload();
});

if ("serviceWorker" in navigator) await navigator.serviceWorker.register("offline.js", { type: "module" });
