// Bundles GraphiQL, its workers and the examples into the folder given as argument.
import { build } from "esbuild";
import { copyFile, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const out = process.argv[2];
const assets = join(out, "assets");

// A tab per file, in the order of their names; NAME.json beside NAME.graphql holds its variables.
async function examples() {
  const names = (await readdir("examples")).filter((name) => name.endsWith(".graphql")).sort();
  return Promise.all(names.map(async (name) => ({
    query: await readFile(join("examples", name), "utf8"),
    variables: await readFile(join("examples", name.replace(".graphql", ".json")), "utf8").catch(() => undefined),
  })));
}

// What the bundled packages ask to be passed on with them.
async function licenses(inputs) {
  const found = Object.keys(inputs).map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
  const texts = [...new Set(found)].filter(Boolean).sort().map(async (name) => {
    const folder = join("node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    return `${name} ${version} (${license})\n\n${file ? await readFile(join(folder, file), "utf8") : ""}`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n`);
}

const shared = {
  bundle: true, legalComments: "none", logLevel: "warning", metafile: true, minify: true, outdir: assets,
  target: "es2022",
};

const page = await build({
  ...shared,
  entryPoints: ["src/main.jsx"],
  format: "esm",
  jsx: "automatic",
  loader: { ".ttf": "dataurl" },
  define: { EXAMPLES: JSON.stringify(await examples()), "process.env.NODE_ENV": '"production"' },
});
const workers = await build({
  ...shared,
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
  format: "iife",
});
await copyFile("src/index.html", join(out, "index.html"));
await writeFile(join(out, "licenses.txt"), await licenses({ ...page.metafile.inputs, ...workers.metafile.inputs }));
