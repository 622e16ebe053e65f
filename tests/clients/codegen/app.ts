/** GraphQL Code Generator's client preset with Apollo Client: documents, variables, masked fragments, all typed. */

import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";

import { type FragmentType, graphql, useFragment } from "./gql/index.js";
import type { OrderStatus, PackageInput } from "./gql/graphql.js";

declare const process: { argv: [string, string, string, string] };
const [, , uri, token] = process.argv;

const client = new ApolloClient({
  link: new HttpLink({ uri, headers: { authorization: `Bearer ${token}` } }),
  cache: new InMemoryCache(),
});

const OrderRow = graphql(`
  fragment OrderRow on Order {
    id
    code
    status
    submittedAt
    parameters
    entity { label }
  }
`);

const Orders = graphql(`
  query Orders($package: ID!, $first: Int!, $after: String) {
    node(id: $package) {
      __typename
      id
      ... on Package {
        label
        orders(first: $first, after: $after) {
          totalCount
          nodes { ...OrderRow }
        }
      }
    }
  }
`);

const Packages = graphql(`
  query Packages($filter: PackageFilter) {
    packages(first: 1, filter: $filter) { nodes { id revision } }
  }
`);

const SubmitPackage = graphql(`
  mutation SubmitPackage($input: PackageInput!) {
    submitPackage(input: $input) {
      package { id }
      problems { code message path }
    }
  }
`);

function row(order: FragmentType<typeof OrderRow>): string {
  const { code, status, entity } = useFragment(OrderRow, order);
  const known: OrderStatus = status;
  return `${code} ${known} ${entity?.label ?? "-"}`;
}

const { data } = await client.query({ query: Packages, variables: { filter: { status: ["PUBLISHED"] } } });
const found = data?.packages?.nodes[0];
if (!found) throw new Error("There is no published package.");

const answer = await client.query({ query: Orders, variables: { package: found.id, first: 2 } });
const node = answer.data?.node;
const orders = node?.__typename === "Package" ? node.orders : undefined;

const input: PackageInput = { id: found.id, revision: found.revision };
const submitted = await client.mutate({ mutation: SubmitPackage, variables: { input } });

// @ts-expect-error: a variable that is missing does not compile
const wrong = () => client.query({ query: Orders, variables: { first: 2 } });
// @ts-expect-error: nor does a field that was not selected
const unselected = () => found.label;

console.log(JSON.stringify({
  total: orders?.totalCount,
  rows: orders?.nodes.map(row),
  problems: submitted.data?.submitPackage?.problems.map(({ code }) => code),
  unused: [typeof wrong, typeof unselected],
}));
