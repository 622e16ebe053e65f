/** Apollo Client 4: queries, the normalised cache, pages, a mutation with problems, an error beside data, an upload. */

import { ApolloClient, CombinedGraphQLErrors, gql, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { filter, firstValueFrom } from "rxjs";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";

import { logIn } from "./login.mjs";

const url = process.argv[2];
const token = await logIn(url, "ingrid", "fjallklover-demo");

const client = new ApolloClient({
  link: new UploadHttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }),
  cache: new InMemoryCache({
    possibleTypes: { ApprovalSubject: ["Order", "Package"] },
    typePolicies: { Query: { fields: { orders: relayStylePagination(["filter", "orderBy"]) } } },
  }),
});

const ORDERS = gql`
  query Orders($first: Int!, $after: String) {
    orders(first: $first, after: $after, orderBy: CREATED_AT_ASC) {
      edges { cursor node { id code entity { id label } package { id label } } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;

const NODE = gql`
  query Label($id: ID!) { node(id: $id) { id ... on Package { label description } } }
`;

const CREATE_CAMPAIGN = gql`
  mutation CreateCampaign($input: CreateCampaignInput!) {
    createCampaign(input: $input) { campaign { id } problems { code message path } }
  }
`;

const CREATE_PACKAGE = gql`
  mutation CreatePackage($input: CreatePackageInput!) {
    createPackage(input: $input) { package { id revision } problems { code message path } }
  }
`;

const SUBMIT_PACKAGE = gql`
  mutation SubmitPackage($input: PackageInput!) {
    submitPackage(input: $input) {
      package { id status revision }
      problems { code message path }
    }
  }
`;

const UPLOAD = gql`
  mutation Upload($input: UploadDocumentInput!) {
    uploadDocument(input: $input) {
      document { id name contentType size }
      problems { code message path }
    }
  }
`;

/** Pages: fetchMore asks for what comes after the last edge, and the cache appends it. */
async function pages() {
  const orders = client.watchQuery({ query: ORDERS, variables: { first: 20 } });
  const watching = orders.subscribe(() => {});
  const { data } = await firstValueFrom(orders.pipe(filter((result) => !result.loading)));
  await orders.fetchMore({ variables: { after: data.orders.pageInfo.endCursor } });
  const { edges, pageInfo } = client.readQuery({ query: ORDERS, variables: { first: 20 } }).orders;
  watching.unsubscribe();
  const ids = new Set(edges.map(({ node }) => node.id));
  return { first: data.orders.edges.length, both: ids.size, hasNextPage: pageInfo.hasNextPage };
}

/** The cache knows an object by __typename and id, wherever it was read. */
async function cached() {
  const { edges } = client.readQuery({ query: ORDERS, variables: { first: 20 } }).orders;
  const { id } = edges[0].node.package;
  await client.query({ query: NODE, variables: { id } });
  const packages = Object.keys(client.cache.extract()).filter((key) => key.startsWith("Package:"));
  const fragment = gql`fragment Both on Package { label description }`;
  const { label, description } = client.readFragment({ id: packages[0], fragment });
  return { packages: packages.length, label, description };
}

async function mutate(mutation, input) {
  const { data } = await client.mutate({ mutation, variables: { input } });
  return Object.values(data)[0];
}

/** A mutation that is refused answers with all problems at once; it does not throw. */
async function submitted(draft) {
  const { problems } = await mutate(SUBMIT_PACKAGE, { id: draft.id, revision: draft.revision });
  return problems;
}

async function uploaded(draft) {
  const file = new File(["how the windows look"], "windows.txt", { type: "text/plain" });
  const { document } = await mutate(UPLOAD, { packageId: draft.id, file });
  return { name: document.name, contentType: document.contentType, size: document.size };
}

/** An error has a code and a path; with errorPolicy "all" the rest of the answer is there. */
async function partly() {
  const query = gql`query { bad: node(id: "nonsense") { id } viewer { id name } }`;
  const { data, error } = await client.query({ query, errorPolicy: "all" });
  if (!CombinedGraphQLErrors.is(error)) throw error;
  const [{ path, extensions }] = error.errors;
  return { path, code: extensions.code, bad: data.bad, viewer: data.viewer.name };
}

const seen = { pages: await pages(), cached: await cached() };
const { campaign } = await mutate(CREATE_CAMPAIGN, { template: "opCollaborativeSimple", label: "Apollo" });
const draft = (await mutate(CREATE_PACKAGE, { campaignId: campaign.id })).package;
seen.refused = await submitted(draft);
seen.upload = await uploaded(draft);
seen.partly = await partly();
console.log(JSON.stringify(seen));
