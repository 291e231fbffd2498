//! The page: a session, its terminal, its files.

import { createBrowserWorkerSession } from "wasmsh";
import { EXAMPLES } from "./examples.js";
import { forget, keep, kept } from "./store.js";
import { Console } from "./terminal.js";

const WORKSPACE = "/workspace";

/** @template {HTMLElement} T @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id));
const status = element("status");
const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

const terminal = new Console(element("terminal"));
const began = performance.now();
const session = await createBrowserWorkerSession({
  assetBaseUrl: new URL("wasmsh/", document.baseURI),
  worker: new Worker(new URL("worker.js", document.baseURI), { type: "module" }),
  onProgress: ({ component, loaded, total }) => {
    const what = component === "core" ? "the shell" : "Python";
    status.textContent = loaded < total ? `Loading ${what}: ${megabytes(loaded)} of ${megabytes(total)}` : `${what[0].toUpperCase()}${what.slice(1)} is loaded.`;
  },
});

const archive = await kept().catch(() => undefined);
if (archive !== undefined) await session.importTar(archive, WORKSPACE).catch(() => forget());
status.textContent = `Ready in ${Math.round(performance.now() - began)} ms.`;
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
  const items = entries.map(({ name, type, size }) => item(name, type === "directory", size, () => void open(`${shown === "/" ? "" : shown}/${name}`, type === "directory")));
  if (shown !== "/") items.unshift(item("..", true, 0, () => void open(shown.slice(0, shown.lastIndexOf("/")) || "/", true)));
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
async function open(path, directory) {
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
  changed();
}

/** @type {any} */
let timer;

function changed() {
  void refresh();
  clearTimeout(timer);
  // In one piece with what follows at once.
  timer = setTimeout(async () => {
    try {
      await keep(await session.exportTar(WORKSPACE));
    } catch (error) {
      status.textContent = `The files cannot be kept: ${/** @type {Error} */ (error).message}`;
    }
  }, 500);
}

terminal.onrun = changed;
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
element("upload-label").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") input.click();
});
element("archive").addEventListener("click", async () => download(new Blob([/** @type {any} */ (await session.exportTar(WORKSPACE))], { type: "application/x-tar" }), "workspace.tar"));
element("reset").addEventListener("click", async () => {
  if (!confirm("All files of the workspace are removed. Go on?")) return;
  clearTimeout(timer);
  await forget();
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

if ("serviceWorker" in navigator) await navigator.serviceWorker.register("offline.js", { type: "module" });
