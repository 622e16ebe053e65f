/** urql 5: a query, pages in Graphcache, a mutation with problems, an error beside data, an upload. */

import { Client, fetchExchange, gql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { buildSchema, introspectionFromSchema } from "graphql";
import { readFileSync } from "node:fs";

import { logIn } from "./login.mjs";

const [url, schema] = process.argv.slice(2);
const introspection = introspectionFromSchema(buildSchema(readFileSync(schema, "utf8")));
const token = await logIn(url, "ingrid", "fjallklover-demo");

const client = new Client({
  url,
  fetchOptions: () => ({ headers: { authorization: `Bearer ${token}` } }),
  exchanges: [
    cacheExchange({
      schema: introspection,
      resolvers: { Query: { entities: relayPagination() } },
      keys: { PackageStatusCount: () => null },
    }),
    fetchExchange,
  ],
});

const ENTITIES = gql`
  query Entities($first: Int!, $after: String) {
    entities(first: $first, after: $after, filter: { kind: LOCAL }) {
      edges { cursor node { id code label } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;

const CREATE_CAMPAIGN = gql`
  mutation CreateCampaign($input: CreateCampaignInput!) {
    createCampaign(input: $input) {
      campaign { id label code }
      problems { code message path }
    }
  }
`;

const PUBLISHED = gql`
  query Published { packages(first: 1, filter: { status: [PUBLISHED] }) { nodes { id } } }
`;

const UPLOAD = gql`
  mutation Upload($input: UploadDocumentInput!) {
    uploadDocument(input: $input) { document { id name contentType size } problems { code message path } }
  }
`;

async function pages() {
  const first = await client.query(ENTITIES, { first: 30 });
  const after = first.data.entities.pageInfo.endCursor;
  const both = await client.query(ENTITIES, { first: 30, after });
  return { first: first.data.entities.edges.length, both: both.data.entities.edges.length };
}

/** A mutation that is refused answers with problems; `error` stays empty. */
async function created(template) {
  const input = { template, label: "urql" };
  const { data, error } = await client.mutation(CREATE_CAMPAIGN, { input });
  if (error) throw error;
  return data.createCampaign;
}

async function uploaded() {
  const { data: { packages } } = await client.query(PUBLISHED, {});
  const file = new File(["how the windows look"], "windows.txt", { type: "text/plain" });
  const input = { packageId: packages.nodes[0].id, file };
  const { data, error } = await client.mutation(UPLOAD, { input });
  if (error) throw error;
  const { name, contentType, size } = data.uploadDocument.document;
  return { name, contentType, size };
}

async function partly() {
  const { data, error } = await client.query(gql`query { bad: node(id: "nonsense") { id } viewer { id name } }`, {});
  const [{ path, extensions }] = error.graphQLErrors;
  return { path, code: extensions.code, bad: data.bad, viewer: data.viewer.name };
}

const { campaign } = await created("opCollaborativeSimple");
const { problems } = await created("nonsense");
console.log(JSON.stringify({
  pages: await pages(),
  created: { label: campaign.label },
  refused: problems.map(({ code, path }) => ({ code, path })),
  upload: await uploaded(),
  partly: await partly(),
}));
