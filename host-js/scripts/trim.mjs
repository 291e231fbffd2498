//! Takes out of jco's output what a synchronous component never uses.
//!
//! jco 1.16 wraps every call between JavaScript and a component into the bookkeeping of asynchronous tasks and
//! into tracing that looks at the environment. Without both a call costs some 10 ns in the place of 1 µs, and
//! the glue is a tenth as long. The shapes below are exactly those of the pinned version; what is not recognised is an
//! error, so that another version of jco cannot slip through half-trimmed.

import { parse } from "acorn";
import { minify } from "terser";

/** Calls that are statements of their own and do nothing for a synchronous component. */
const EMPTY_CALLS = new Set(["_debugLog", "endCurrentTask"]);

/** Methods of the registries that only asynchronous calls read. */
const EMPTY_METHODS = new Set(["GlobalComponentAsyncLowers.define", "GlobalComponentMemories.save"]);

/** Variables that serve the bookkeeping alone. */
const BOOKKEEPING = new Set(["task", "parentTask", "subtask", "createTask", "hostProvided", "cstate"]);

/** What must not be left: the whole machinery hangs on these names. */
const GONE = ["createNewCurrentTask", "endCurrentTask", "_debugLog", "AsyncTask", "taskCreation", "JCO_DEBUG", "codepoints", "fetchCompile", "isNode"];

/**
 * @param {string} generated what jco generated in the `async` instantiation mode
 * @returns {Promise<string>} the same glue without the bookkeeping
 */
export async function trim(generated) {
  // jco names a method's function after the method, also where a module may not bind that name.
  // The number of code points, for which jco takes every string apart, is read by nobody.
  const source = generated
    .replace(/= function (arguments|eval)\(/g, "= function (")
    .replaceAll("codepoints: [...s].length", "");
  const tree = parse(source, { ecmaVersion: "latest", sourceType: "module" });
  /** @type {Array<[number, number]>} */
  const cuts = [];
  visit(tree, (node) => {
    if (!isBookkeeping(node)) return true;
    cuts.push([node.start, node.end]);
    return false;
  });
  if (cuts.length === 0) throw new Error("trim: nothing of jco's bookkeeping was found; is this the pinned version of jco?");
  let kept = "";
  let from = 0;
  for (const [start, end] of cuts) {
    kept += `${source.slice(from, start)};`;
    from = end;
  }
  kept += source.slice(from);

  const { code } = await minify(exchangeHandles(sweep(withoutLoader(kept))), {
    ecma: 2020,
    module: true,
    mangle: false,
    keep_classnames: true,
    compress: { passes: 2, unused: true, dead_code: true, inline: false, reduce_funcs: false, reduce_vars: false, sequences: false, pure_getters: true, keep_fnames: true },
    format: { beautify: true, indent_level: 1 },
  });
  if (code === undefined) throw new Error("trim: the minifier returned nothing");
  const glue = lightErrors(defineTables(keepViews(code)));
  const left = GONE.filter((name) => new RegExp(`\\b${name}\\b`).test(glue));
  if (left.length > 0) throw new Error(`trim: ${left.join(", ")} left in the glue; is this the pinned version of jco?`);
  if (/(?<!view = )new DataView\(exports/.test(glue)) throw new Error("trim: a view is made for each call; is this the pinned version of jco?");
  return glue;
}

/**
 * The error of a `result` is an answer like others: a file that is not there is nothing whose stack anybody wants to see, and recording it takes
 * longer than the call.
 * @param {string} source
 */
function lightErrors(source) {
  if (!source.includes("ComponentError")) return source;
  const heavy = /^ class ComponentError extends Error \{[^]*?^ \}\n/m;
  if (!heavy.test(source)) throw new Error("trim: where is ComponentError? is this the pinned version of jco?");
  return source.replace(heavy, ` class ComponentError {
  constructor(payload) {
   this.payload = payload;
  }
  toString() {
   return "string" == typeof this.payload ? this.payload : JSON.stringify(this.payload, (_, value) => "bigint" == typeof value ? String(value) : value);
  }
 }
`);
}

/**
 * Whoever instantiates the glue has compiled its modules: how it would load them itself, in Node or by `fetch`, is not for bundlers to see.
 * @param {string} source
 */
function withoutLoader(source) {
  const loader = /\bif \(!getCoreModule\)[^;]+;|getCoreModule \|\| \(getCoreModule = [^;]+;/;
  if (!loader.test(source)) throw new Error("trim: where are modules loaded? is this the pinned version of jco?");
  return source.replace(loader, ";");
}

/**
 * Where an inner component hands out a resource that another one defined, jco takes the number of that component's table for one of the
 * definer's, and the other way round. The handle has to change tables.
 * @param {string} source
 */
function exchangeHandles(source) {
  /** The table that the methods of a class look into. @type {Map<string, string>} */
  const own = new Map();
  for (const [, table, name] of source.matchAll(/handleTable(\d+)\[\(handle\d+ << 1\) \+ 1\] & T_FLAG\) === 0\) \{\s*throw new TypeError\('Resource error: Not a valid "(\w+)" resource/g)) {
    own.set(name, table);
  }
  /** @type {Array<{ start: number, end: number, text: string }>} */
  const edits = [];
  visit(parse(source, { ecmaVersion: "latest", sourceType: "module" }), (block) => {
    const list = block.type === "BlockStatement" ? block.body : block.type === "SwitchCase" ? block.consequent : [];
    for (const [at, statement] of list.entries()) {
      const call = /^finalizationRegistry(\d+)\.(register|unregister)\((\w+)/.exec(source.slice(statement.start, statement.end));
      if (call === null) continue;
      const [, table, what, object] = call;
      const before = source.slice(block.start, statement.start);
      if (what === "register") {
        const name = before.slice(before.lastIndexOf(`${object} = new.target`)).match(/new\.target === (\w+)/)?.[1];
        const definer = own.get(name ?? "");
        if (definer === undefined || definer === table) continue;
        const handle = /register\(\w+, (\w+)/.exec(source.slice(statement.start, statement.end))?.[1];
        const declaration = list.slice(0, at).findLast((/** @type {any} */ node) => node.type === "VariableDeclaration" && node.declarations[0].id.name === handle);
        if (declaration === undefined) throw new Error(`trim: where does ${handle} of a ${name} come from?`);
        const { init } = declaration.declarations[0];
        edits.push({ start: init.start, end: init.end, text: `resourceTransferOwn(${source.slice(init.start, init.end)}, ${table}, ${definer})` });
        for (const node of [statement, list[at + 1]]) {
          const text = source.slice(node.start, node.end);
          edits.push({ start: node.start, end: node.end, text: text.replaceAll(`finalizationRegistry${table}.`, `finalizationRegistry${definer}.`).replaceAll(`handleTable${table},`, `handleTable${definer},`).replaceAll(`handleTable${table}[`, `handleTable${definer}[`) });
        }
      } else {
        const taken = [...before.matchAll(/var (handle\d+) = (\w+)\[symbolRscHandle\];\s*if \(!handle\d+\) \{\s*throw new TypeError\('Resource error: Not a valid "(\w+)" resource/g)]
          .findLast(([, , from]) => from === object);
        // In a disposing function the object's table is its own.
        if (taken === undefined) continue;
        const [, handle, , name] = taken;
        const definer = own.get(name);
        if (definer === undefined || definer === table) continue;
        edits.push({ start: statement.start, end: statement.end, text: `finalizationRegistry${definer}.unregister(${object}); ${handle} = resourceTransferOwn(${handle}, ${definer}, ${table});` });
      }
    }
    return true;
  });
  let changed = "";
  let from = 0;
  for (const { start, end, text } of edits.sort((a, b) => a.start - b.start)) {
    changed += source.slice(from, start) + text;
    from = end;
  }
  return changed + source.slice(from);
}

/**
 * A component that defined a resource is given its representation, all others a handle. jco knows that only of the resources of the
 * first component inside; of the others, those have it that make handles by `resource.new`.
 * @param {string} source
 */
function defineTables(source) {
  return source.replace(/const definedResourceTables = \[([^\]]*)\]/, (_, known) => {
    const tables = new Set([...source.matchAll(/rscTableCreateOwn\.bind\(null, handleTable(\d+)\)/g)].map(([, table]) => Number(table)));
    for (const [table, defined] of known.split(",").entries()) {
      if (defined.trim() !== "" && !tables.has(table)) throw new Error(`trim: table ${table} is said to be defined, and is not`);
    }
    const list = Array.from({ length: Math.max(-1, ...tables) + 1 }, (_, table) => tables.has(table));
    return `const definedResourceTables = ${JSON.stringify(list)}`;
  });
}

/**
 * Without multi-memory, the adapters between components call JavaScript for every byte they copy, and jco makes a view for each call.
 * A kept one is ten times as fast; it throws when the memory has grown, and is made anew.
 * @param {string} source
 */
function keepViews(source) {
  return source.replace(
    /\(([\w, ]+)\) => (?:\{\s*)?new DataView\((exports[^()]+)\.buffer\)\.(\w+)\(([^()]*)\)(?:;\s*\})?/g,
    (_, parameters, memory, method, values) => `((view) => (${parameters}) => {
    try {
     return view.${method}(${values});
    } catch {
     view = new DataView(${memory}.buffer);
     return view.${method}(${values});
    }
   })(new DataView(new ArrayBuffer(0)))`,
  );
}

/** @param {any} node @returns {boolean} */
function isBookkeeping(node) {
  switch (node.type) {
    case "ExpressionStatement": {
      const { expression } = node;
      if (expression.type === "CallExpression") {
        const { callee } = expression;
        if (callee.type === "Identifier") return EMPTY_CALLS.has(callee.name);
        return callee.type === "MemberExpression" && EMPTY_METHODS.has(`${callee.object.name}.${callee.property.name}`);
      }
      return expression.type === "AssignmentExpression"
        && expression.left.type === "MemberExpression"
        && expression.left.object.name === "cstate";
    }
    case "VariableDeclaration":
      return node.declarations.every((/** @type {any} */ { id }) =>
        id.type === "ArrayPattern" ? id.elements[0]?.name === "task" : BOOKKEEPING.has(id.name));
    case "LabeledStatement":
      return node.label.name === "taskCreation";
    default:
      return false;
  }
}

/**
 * Takes out the functions and classes of `instantiate` that nothing leads to any more.
 * @param {string} source
 */
function sweep(source) {
  const tree = /** @type {any} */ (parse(source, { ecmaVersion: "latest", sourceType: "module" }));
  const exported = tree.body.find((/** @type {any} */ node) => node.type === "ExportNamedDeclaration");
  /** @type {any[]} */
  const statements = exported.declaration.body.body;
  const isDeclaration = (/** @type {any} */ node) => node.type === "FunctionDeclaration" || node.type === "ClassDeclaration";
  const declared = new Map(statements.filter(isDeclaration).map((node) => [node.id.name, node]));
  /** @type {Set<any>} */
  const reached = new Set();
  const queue = statements.filter((node) => !isDeclaration(node));
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    for (const name of names(node)) {
      const target = declared.get(name);
      if (target === undefined || reached.has(target)) continue;
      reached.add(target);
      queue.push(target);
    }
  }
  let kept = "";
  let from = 0;
  for (const node of declared.values()) {
    if (reached.has(node)) continue;
    kept += source.slice(from, node.start);
    from = node.end;
  }
  return kept + source.slice(from);
}

/** @param {any} node @returns {Set<string>} every identifier below it */
function names(node) {
  /** @type {Set<string>} */
  const found = new Set();
  const stack = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.type === "Identifier") found.add(next.name);
    for (const value of Object.values(next)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (child !== null && typeof child === "object" && typeof child.type === "string") stack.push(child);
      }
    }
  }
  return found;
}

/**
 * Visits statements in the order of the source.
 * @param {any} node
 * @param {(node: any) => boolean} enter whether to go on below the node
 */
function visit(node, enter) {
  if (!enter(node)) return;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child !== null && typeof child === "object" && typeof child.type === "string") visit(child, enter);
    }
  }
}
