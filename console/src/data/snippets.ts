import type { Schema } from '../api';

export type Source = Schema<'SourceInForce'>;

export interface Snippet {
  title: string;
  /** Where it goes. */
  language: string;
  text: string;
}

const website = (host: string, key: string) => `<script>
(function (host, key) {
  var a = window.analytics = window.analytics || [];
  if (a.initialize || a.invoked) return;
  a.invoked = true;
  a._writeKey = key;
  a._cdn = host;
  ["track", "page", "screen", "identify", "group", "alias", "reset", "ready", "on", "once", "off", "user", "debug",
   "register", "deregister", "addSourceMiddleware", "setAnonymousId"].forEach(function (name) {
    a[name] = function () { a.push([name].concat([].slice.call(arguments))); return a; };
  });
  var s = document.createElement("script");
  s.async = true;
  s.src = host + "/analytics.js/v1/" + key + "/analytics.min.js";
  document.head.appendChild(s);
  a.page();
})(${JSON.stringify(host)}, ${JSON.stringify(key)});
</script>`;

const curl = (host: string, key: string) => `curl -u ${key}: ${host}/v1/track \\
  -H 'Content-Type: application/json' \\
  -d '{"userId":"ann","event":"Order Completed","properties":{"order_id":"17","revenue":59.9,"currency":"EUR"}}'`;

const node = (host: string, key: string) => `import { Analytics } from '@segment/analytics-node';

const analytics = new Analytics({ writeKey: ${JSON.stringify(key)}, host: ${JSON.stringify(host)} });
analytics.track({ userId: 'ann', event: 'Order Completed', properties: { order_id: '17', revenue: 59.9, currency: 'EUR' } });
await analytics.closeAndFlush();`;

const python = (host: string, key: string) => `import segment.analytics as analytics

analytics.write_key = ${JSON.stringify(key)}
analytics.host = ${JSON.stringify(host)}
analytics.track('ann', 'Order Completed', {'order_id': '17', 'revenue': 59.9, 'currency': 'EUR'})
analytics.flush()`;

const file = (name: string) => `clientele import --source ${name} --map mapping.yaml customers.csv`;

/** What to put where, so that the source sends; the first is the usual one. */
export function snippets(source: Pick<Source, 'name' | 'kind' | 'write_key'>, host: string): Snippet[] {
  const key = source.write_key || 'WRITE_KEY';
  const send: Snippet = { title: 'curl', language: 'sh', text: curl(host, key) };
  switch (source.kind) {
    case 'browser':
      return [{ title: 'HTML', language: 'html', text: website(host, key) }, send];
    case 'mobile':
      return [send, { title: 'Node', language: 'js', text: node(host, key) }];
    case 'server':
      return [
        { title: 'Node', language: 'js', text: node(host, key) },
        { title: 'Python', language: 'python', text: python(host, key) },
        send,
      ];
    default:
      return [{ title: 'CLI', language: 'sh', text: file(source.name) }];
  }
}
