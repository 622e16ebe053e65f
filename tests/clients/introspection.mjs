/** Reads the schema by the introspection of graphql-js 15, 16 and 17, as clients of every age do, and prints it. */

import { readFileSync } from "node:fs";

import * as graphql17 from "graphql";
import * as graphql15 from "graphql-15";
import * as graphql16 from "graphql-16";

const [url, token, sdl] = process.argv.slice(2);
const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
const known15 = { schemaDescription: true, directiveIsRepeatable: true, inputValueDeprecation: true };
const known16 = { ...known15, specifiedByUrl: true, oneOf: true };
const ONE_OF = /^"""\n.*\n"""\ndirective @oneOf on INPUT_OBJECT\n\n/; // graphql-js 15 takes it for one of ours

/** Whether it sees the schema as it is printed in the repository. */
async function same(graphql, options) {
  const query = graphql.getIntrospectionQuery(options);
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  const schema = graphql.buildClientSchema(data);
  graphql.assertValidSchema(schema);
  const printed = graphql.printSchema(graphql.lexicographicSortSchema(schema)).replace(ONE_OF, "");
  const wanted = graphql.printSchema(graphql.buildSchema(readFileSync(sdl, "utf8")));
  const told = options.specifiedByUrl ? wanted : wanted.replaceAll(/ @specifiedBy\(.*\)/g, "");
  return printed === told;
}

console.log(JSON.stringify({
  [graphql15.version]: [await same(graphql15, {}), await same(graphql15, known15)],
  [graphql16.version]: [await same(graphql16, {}), await same(graphql16, known16)],
  [graphql17.version]: [await same(graphql17, {}), await same(graphql17, known16)],
}));
