/** Apollo Client 4: a subscription over graphql-ws keeps the cache as it is on the server. */

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { logIn } from "./login.mjs";

const url = process.argv[2];
const token = await logIn(url, "ingrid", "fjallklover-demo");

const socket = createClient({
  url: url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  connectionParams: () => ({ authorization: `Bearer ${token}` }),
});
const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }),
  ),
  cache: new InMemoryCache(),
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
  mutation CreatePackage($input: CreatePackageInput!) { createPackage(input: $input) { package { id label revision } } }
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
  const { data } = await client.mutate({ mutation, variables: { input } });
  return Object.values(data)[0];
}

const { campaign } = await mutate(CREATE_CAMPAIGN, { template: "opCollaborativeSimple", label: "Followed" });
const draft = (await mutate(CREATE_PACKAGE, { campaignId: campaign.id })).package;

const heard = [];
let following;
await new Promise((resolve) => {
  following = client.subscribe({ query: CHANGES }).subscribe(async ({ data }) => {
    const { package: changed, goneId, reload } = data.packageChanged;
    heard.push({ reload, label: changed?.label });
    if (reload) await client.query({ query: PACKAGES, fetchPolicy: "network-only" });
    if (goneId) client.cache.evict({ id: client.cache.identify({ __typename: "Package", id: goneId }) });
    if (reload) await elsewhere({ id: draft.id, revision: draft.revision, label: "Renamed" });
    else resolve();
  });
});
following.unsubscribe();
const [cached] = client.readQuery({ query: PACKAGES }).packages.nodes.filter(({ id }) => id === draft.id);
await socket.dispose();
console.log(JSON.stringify({ heard, cached: cached.label }));
