/** Relay: a query, an order's fragment, pages of a package's orders and of all entities, refetched by node. */

const { graphql } = require("relay-runtime");

exports.CatalogueQuery = graphql`
  query ordersCatalogueQuery($count: Int!) {
    packages(first: 1, filter: { status: [PUBLISHED] }) {
      edges {
        node {
          id
          label
          ...orders_package @arguments(count: $count)
        }
      }
    }
  }
`;

exports.PackageFragment = graphql`
  fragment orders_package on Package
  @refetchable(queryName: "ordersPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }) {
    orders(first: $count, after: $cursor, orderBy: CREATED_AT_ASC) @connection(key: "orders_package_orders") {
      edges {
        node {
          id
          code
          entity { label }
        }
      }
    }
  }
`;

exports.NetworkQuery = graphql`
  query ordersNetworkQuery($count: Int!) {
    ...orders_network @arguments(count: $count)
  }
`;

exports.NetworkFragment = graphql`
  fragment orders_network on Query
  @refetchable(queryName: "ordersNetworkPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }) {
    entities(last: $count, before: $cursor) @connection(key: "orders_network_entities") {
      edges { node { id label } }
    }
  }
`;

exports.NodeQuery = graphql`
  query ordersNodeQuery($id: ID!) {
    node(id: $id) @catch { id }
    viewer { name }
  }
`;

exports.CreateCampaignMutation = graphql`
  mutation ordersCreateCampaignMutation($input: CreateCampaignInput!) {
    createCampaign(input: $input) {
      campaign { id label }
      problems { code path }
    }
  }
`;
