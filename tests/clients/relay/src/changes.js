/** Relay: what changes elsewhere comes by a subscription; the store takes it over and forgets what is gone. */

const { createClient } = require("graphql-ws");
const {
  createOperationDescriptor, Environment, fetchQuery, getRequest, graphql, Network, Observable, RecordSource,
  requestSubscription, Store,
} = require("relay-runtime");
const WebSocket = require("ws");

const [url, token] = process.argv.slice(2);

const Packages = graphql`
  query changesPackagesQuery { packages(first: 20) { nodes { id label } } }
`;

const Changes = graphql`
  subscription changesSubscription {
    packageChanged { package { id label } goneId @deleteRecord reload }
  }
`;

const socket = createClient({
  url: url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  connectionParams: () => ({ authorization: `Bearer ${token}` }),
});

async function ask(query, variables) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

const network = Network.create(
  ({ text }, variables) => ask(text, variables),
  ({ text }, variables) => Observable.create((sink) => socket.subscribe({ query: text, variables }, sink)),
);
const environment = new Environment({ network, store: new Store(new RecordSource()) });

/** Somebody else's change: past this store. */
async function mutate(name, kind, selection, input) {
  const { data } = await ask(`mutation ($input: ${kind}!) { ${name}(input: $input) { ${selection} } }`, { input });
  return Object.values(data[name])[0];
}

async function main() {
  const campaign = await mutate(
    "createCampaign", "CreateCampaignInput", "campaign { id }", { template: "opCollaborativeSimple", label: "Followed" },
  );
  const draft = await mutate(
    "createPackage", "CreatePackageInput", "package { id revision }", { campaignId: campaign.id },
  );
  const operation = createOperationDescriptor(getRequest(Packages), {});
  environment.retain(operation);
  await new Promise((resolve) => requestSubscription(environment, {
    subscription: Changes,
    variables: {},
    onNext: async ({ packageChanged }) => {
      if (!packageChanged.reload) return resolve();
      await fetchQuery(environment, Packages, {}, { fetchPolicy: "network-only" }).toPromise();
      const input = { id: draft.id, revision: draft.revision, label: "Renamed" };
      await mutate("updatePackage", "UpdatePackageInput", "problems { code }", input);
    },
  }));
  const { packages } = environment.lookup(operation.fragment).data;
  await socket.dispose();
  console.log(JSON.stringify({ stored: packages.nodes.find(({ id }) => id === draft.id).label }));
}

main();
