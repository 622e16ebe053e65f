/** graphql-ws: queries and mutations over one WebSocket; the token comes with connection_init. */

import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { logIn } from "./login.mjs";

const url = process.argv[2];
const token = await logIn(url, "ingrid", "fjallklover-demo");

const client = createClient({
  url: url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket, // Node 20 has none of its own; browsers do
  connectionParams: () => ({ authorization: `Bearer ${token}` }),
});

/** The answer of an operation that has one. */
async function ask(query, variables) {
  const { value } = await client.iterate({ query, variables }).next();
  return value;
}

const viewer = await ask("{ viewer { name } }");
const CREATE = "mutation ($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { label } problems { code } } }";
const created = await ask(CREATE, { input: { template: "opCollaborativeSimple", label: "graphql-ws" } });
const partly = await ask('{ bad: node(id: "nonsense") { id } viewer { name } }');
const invalid = await ask("{ nonsense }").catch((errors) => errors);
await client.dispose();

console.log(JSON.stringify({ viewer, created, partly, invalid }));
