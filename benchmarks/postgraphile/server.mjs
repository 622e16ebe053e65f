// PostGraphile as its documentation deploys it: Amber preset, Grafserv on node's own HTTP server, nothing for development.
// DATABASE_URL, PORT and POOL come from the environment, as do NODE_ENV and GRAPHILE_ENV; JWT_SECRET where requests must
// have a login, which security.sql is about.
import { createServer } from "node:http";
import jsonwebtoken from "jsonwebtoken";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { jsonPgSmartTags } from "postgraphile/utils";

// `target` has no foreign keys: they are told here. Its position is the second column of its index.
const targets = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      target: {
        tags: { foreignKey: ['(order_id) references public."order" (id)', "(contact_id) references public.contact (id)"] },
        attribute: { position: { tags: { behavior: "+orderBy" } } },
      },
    },
  },
});

const secret = process.env.JWT_SECRET;

// The role and the operator of a request, for the policies. Without a token that is right there is no answer.
function viewer({ node }) {
  try {
    const token = (node.req.headers.authorization ?? "").replace("Bearer ", "");
    const claims = jsonwebtoken.verify(token, secret, { algorithms: ["HS256"] });
    return { pgSettings: { role: claims.role, "jwt.claims.operator": claims.operator } };
  } catch (error) {
    throw Object.assign(error, { statusCode: 401 });
  }
}

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [targets],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["public"],
      pubsub: false,
      poolConfig: { max: Number(process.env.POOL) },
      ...(secret && { pgSettingsForIntrospection: { role: "benchmark_central" } }),
    }),
  ],
  grafast: { explain: false, ...(secret && { context: viewer }) },
  grafserv: { watch: false, graphiql: false, graphiqlOnGraphQLGET: false, websockets: false, outputDataAsString: true },
});
const server = createServer({ keepAliveTimeout: 60_000 });
await instance.createServ(grafserv).addTo(server);
server.listen(Number(process.env.PORT), "127.0.0.1");
