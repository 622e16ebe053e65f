// Sends GraphQL requests; the login travels in a cookie that scripts cannot read.
const send = (request, accept, headers, signal) => fetch("/graphql", {
  method: "POST",
  headers: { accept, "content-type": "application/json", ...headers },
  body: JSON.stringify(request),
  signal,
});

export async function ask(request, headers = {}) {
  const response = await send(request, "application/graphql-response+json, application/json", headers);
  return response.json();
}

// An observable of a subscription's answers: server-sent events, one for each.
export function follow(request, headers = {}) {
  return {
    subscribe({ next, error, complete }) {
      const leaving = new AbortController();
      listen(request, headers, leaving.signal, next).then(complete, (why) => leaving.signal.aborted || error(why));
      return { unsubscribe: () => leaving.abort() };
    },
  };
}

const NEXT = "event: next\ndata: ";

async function listen(request, headers, signal, next) {
  const response = await send(request, "text/event-stream", headers, signal);
  if (!response.headers.get("content-type").startsWith("text/event-stream")) return next(await response.json());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "", part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (text + part.value).split("\n\n");
    text = events.pop();
    for (const event of events) if (event.startsWith(NEXT)) next(JSON.parse(event.slice(NEXT.length)));
  }
}
