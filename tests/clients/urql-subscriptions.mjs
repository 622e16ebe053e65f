/** urql 5: a subscription over graphql-ws keeps Graphcache as it is on the server. */

import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { buildSchema, introspectionFromSchema } from "graphql";
import { createClient } from "graphql-ws";
import { readFileSync } from "node:fs";
import WebSocket from "ws";

import { logIn } from "./login.mjs";

const [url, schema] = process.argv.slice(2);
const introspection = introspectionFromSchema(buildSchema(readFileSync(schema, "utf8")));
const token = await logIn(url, "ingrid", "fjallklover-demo");

const socket = createClient({
  url: url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  connectionParams: () => ({ authorization: `Bearer ${token}` }),
});

/** What Graphcache does with an event, beside taking over the object in it. */
const changed = (type, list) => (result, _args, cache) => {
  const { goneId, reload } = Object.values(result)[0];
  if (goneId) cache.invalidate({ __typename: type, id: goneId });
  if (reload) cache.inspectFields("Query").filter(({ fieldName }) => fieldName === list)
    .forEach(({ fieldName, arguments: given }) => cache.invalidate("Query", fieldName, given));
};

const client = new Client({
  url,
  fetchOptions: () => ({ headers: { authorization: `Bearer ${token}` } }),
  exchanges: [
    cacheExchange({
      schema: introspection,
      keys: { PackageChange: () => null },
      updates: { Subscription: { packageChanged: changed("Package", "packages") } },
    }),
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
      }),
    }),
    fetchExchange,
  ],
});

const PACKAGES = gql`
  query Packages { packages(first: 20) { nodes { id label revision } } }
`;

const CHANGES = gql`
  subscription Changes { packageChanged { package { id label revision } goneId reload } }
`;

const CREATE_CAMPAIGN = gql`
  mutation CreateCampaign($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } } }
`;

const CREATE_PACKAGE = gql`
  mutation CreatePackage($input: CreatePackageInput!) { createPackage(input: $input) { package { id revision } } }
`;

const UPDATE_PACKAGE = `
  mutation ($input: UpdatePackageInput!) { updatePackage(input: $input) { problems { code } } }
`;

/** Somebody else's change: past this client and its cache. */
async function elsewhere(input) {
  await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: UPDATE_PACKAGE, variables: { input } }),
  });
}

async function mutate(mutation, input) {
  const { data } = await client.mutation(mutation, { input });
  return Object.values(data)[0];
}

const { campaign } = await mutate(CREATE_CAMPAIGN, { template: "opCollaborativeSimple", label: "Followed" });
const draft = (await mutate(CREATE_PACKAGE, { campaignId: campaign.id })).package;

const labels = [];
await new Promise((resolve) => {
  client.query(PACKAGES, {}).subscribe(({ data }) => { // read anew when the cache changes
    const label = data?.packages.nodes.find(({ id }) => id === draft.id)?.label;
    if (label && label !== labels.at(-1)) labels.push(label);
    if (label === "Renamed") resolve();
  });
  client.subscription(CHANGES, {}).subscribe(({ data }) => {
    if (data?.packageChanged.reload) elsewhere({ id: draft.id, revision: draft.revision, label: "Renamed" });
  });
});
await socket.dispose();
console.log(JSON.stringify({ labels }));
process.exit();
