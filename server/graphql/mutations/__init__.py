"""What operators do, as GraphQL mutations: a module per noun, resolvers that only pass on."""
