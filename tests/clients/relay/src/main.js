/** Relay without React: what usePaginationFragment does, by the functions that it is made of. */

const {
  ConnectionInterface, createOperationDescriptor, Environment, fetchQuery, commitMutation, getPaginationMetadata,
  getPaginationVariables, getRefetchMetadata, getRequest, getFragment, getSelector, Network, RecordSource, Store,
} = require("relay-runtime");
const orders = require("./orders.js");

const [url, token] = process.argv.slice(2);

const network = Network.create(async ({ text }, variables) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: text, variables }),
  });
  return response.json();
});
const environment = new Environment({ network, store: new Store(new RecordSource()) });

/** The fragment's data as the store has it now. */
function read(fragment, owner) {
  return environment.lookup(getSelector(getFragment(fragment), owner)).data;
}

/** Asks for one page more; the store appends it to the connection. */
async function loadMore(fragment, owner, direction) {
  const node = getFragment(fragment);
  const { fragmentRefPathInResponse, identifierInfo, refetchableRequest } = getRefetchMetadata(node, "loadMore");
  const { connectionPathInFragmentData, paginationMetadata, paginationRequest } = getPaginationMetadata(node, "loadMore");
  const data = read(fragment, owner);
  const connection = connectionPathInFragmentData.reduce((inner, key) => inner[key], data);
  const { END_CURSOR, START_CURSOR } = ConnectionInterface.get();
  const cursor = connection.pageInfo[direction === "forward" ? END_CURSOR : START_CURSOR];
  const variables = getPaginationVariables(
    direction, 10, cursor, getSelector(node, owner).variables, {}, paginationMetadata,
  );
  if (identifierInfo) variables[identifierInfo.identifierQueryVariableName] = data[identifierInfo.identifierField];
  await fetchQuery(environment, paginationRequest ?? refetchableRequest, variables).toPromise();
  return fragmentRefPathInResponse;
}

async function keep(query, variables) {
  const operation = createOperationDescriptor(getRequest(query), variables);
  environment.retain(operation);
  return fetchQuery(environment, query, variables).toPromise();
}

const edges = (connection) => new Set(connection.edges.map(({ node }) => node.id)).size;

async function main() {
  const { packages } = await keep(orders.CatalogueQuery, { count: 10 });
  const owner = packages.edges[0].node;
  const before = edges(read(orders.PackageFragment, owner).orders);
  const refetchedBy = await loadMore(orders.PackageFragment, owner, "forward");
  const both = read(orders.PackageFragment, owner).orders;

  const root = await keep(orders.NetworkQuery, { count: 10 });
  const last = edges(read(orders.NetworkFragment, root).entities);
  await loadMore(orders.NetworkFragment, root, "backward");
  const entities = [last, edges(read(orders.NetworkFragment, root).entities)];

  const bad = await fetchQuery(environment, orders.NodeQuery, { id: "nonsense" }).toPromise();
  const unknown = await fetchQuery(environment, orders.NodeQuery, { id: missing(owner.id) }).toPromise();
  const mutated = await new Promise((onCompleted, onError) => commitMutation(environment, {
    mutation: orders.CreateCampaignMutation,
    variables: { input: { template: "nonsense", label: "Relay" } },
    onCompleted, onError,
  }));

  console.log(JSON.stringify({
    orders: [before, edges(both)], hasNextPage: both.pageInfo.hasNextPage, refetchedBy, entities, bad, unknown,
    refused: mutated.createCampaign.problems,
  }));
}

/** An id that looks right and belongs to nothing. */
function missing(id) {
  const [type] = id.split(":");
  return `${type}:${"0".repeat(32)}`;
}

main();
