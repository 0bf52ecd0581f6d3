import { useEffect, useRef, useState } from 'react';

/**
 * Listens to a route that answers with server-sent events while the page is open. The browser connects again by
 * itself. It says whether it is connected.
 */
export function useStream(path: string | null, handlers: Record<string, (data: never) => void>): boolean {
  const [connected, setConnected] = useState(false);
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    setConnected(false);
    if (!path) return;
    const source = new EventSource(path);
    source.onopen = () => setConnected(true);
    source.onerror = () => setConnected(false);
    for (const name of Object.keys(latest.current))
      source.addEventListener(name, (e) =>
        latest.current[name]?.(JSON.parse((e as MessageEvent<string>).data) as never),
      );
    return () => source.close();
  }, [path]);
  return connected;
}
