import { useRouter } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';

/**
 * What is typed into a box, and put into the address a moment later. Who has gone to another page meanwhile is
 * left there: the page of before may still be shown while the next one is loaded.
 */
export function useTyped(current: string | undefined, put: (text: string | undefined) => void, wait = 250) {
  const router = useRouter();
  const [typed, setTyped] = useState(current ?? '');
  const [page] = useState(() => router.latestLocation.pathname);
  const latest = useRef(put);
  latest.current = put;
  useEffect(() => {
    if (typed.trim() === (current ?? '')) return;
    const timer = setTimeout(() => {
      if (router.latestLocation.pathname === page) latest.current(typed.trim() || undefined);
    }, wait);
    return () => clearTimeout(timer);
  }, [typed, current, wait, page, router]);
  return [typed, setTyped] as const;
}
