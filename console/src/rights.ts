import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { api } from './api';

/** What a role may be asked for; the API enforces it, the pages only leave out what would be refused. */
export type Right =
  | 'figures'
  | 'people'
  | 'records'
  | 'serve'
  | 'contribute'
  | 'audiences'
  | 'approve'
  | 'data'
  | 'sql'
  | 'export'
  | 'govern';

/** Who is signed in. */
export function useWho() {
  return useQuery({ queryKey: ['who'], queryFn: api.who, staleTime: 60_000 }).data;
}

/** Whether who is signed in has a right. */
export function useMay() {
  const rights = useWho()?.rights ?? [];
  return (right: Right) => rights.includes(right);
}

/** Whether who is signed in may open the page at a path. */
export function useOpens() {
  const may = useMay();
  const routes = useRouter().routesByPath as Record<
    string,
    { options: { staticData?: { right?: Right } } } | undefined
  >;
  return (path: string) => {
    const right = routes[path]?.options.staticData?.right;
    return !right || may(right);
  };
}

/** What is shown to those alone who have the right. */
export function Allowed({ right, children }: { right: Right; children: ReactNode }) {
  return useMay()(right) ? children : null;
}
