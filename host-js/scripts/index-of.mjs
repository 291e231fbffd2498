//! Makes `dist/index.js`: what bundlers understand of the manifest. `node scripts/index-of.mjs DIST` makes it of a manifest alone.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * @param {import("../src/assets.js").Components} components
 * @returns {string}
 */
export function indexOf(components) {
  const lines = ["// Where everything is, in the two forms that bundlers and browsers both understand.", "export const components = {"];
  for (const [component, modes] of Object.entries(components)) {
    lines.push(`  ${component}: {`);
    for (const [mode, { script, modules, data }] of Object.entries(modes)) {
      lines.push(`    ${mode}: {`, `      glue: () => import(${JSON.stringify(`./${script}`)}),`, "      modules: {");
      for (const [name, path] of Object.entries(modules)) lines.push(`        ${JSON.stringify(name)}: ${address(path)},`);
      lines.push("      },", "      data: {");
      for (const [name, { module, ...rest }] of Object.entries(data)) {
        const numbers = Object.entries(rest).map(([key, value]) => `${key}: ${value}, `);
        lines.push(`        ${JSON.stringify(name)}: { ${numbers.join("")}module: ${address(module)} },`);
      }
      lines.push("      },", "    },");
    }
    lines.push("  },");
  }
  lines.push("};");
  return `${lines.join("\n")}\n`;
}

/** @param {string} path */
function address(path) {
  return `new URL(${JSON.stringify(`./${path}`)}, import.meta.url)`;
}

/** What it declares. */
export const INDEX_TYPES = `export const components: Record<string, Record<string, {
  glue: () => Promise<any>;
  modules: Record<string, URL>;
  data: Record<string, { module: URL, position: number, length: number, offset: number, initial: number, maximum?: number }>;
}>>;
`;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , dist] = process.argv;
  const { components } = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));
  writeFileSync(join(dist, "index.js"), indexOf(components));
  writeFileSync(join(dist, "index.d.ts"), INDEX_TYPES);
}
