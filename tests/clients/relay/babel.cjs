/** Replaces the graphql tags in src by what relay-compiler wrote, as a bundler's Babel does. */

const { transformFileSync } = require("@babel/core");
const { readdirSync, writeFileSync } = require("node:fs");

for (const file of readdirSync("src").filter((name) => name.endsWith(".js"))) {
  const options = { babelrc: false, configFile: false, plugins: [["relay", { eagerEsModules: false }]] };
  writeFileSync(`src/${file}`, transformFileSync(`src/${file}`, options).code);
}
