import { useQuery } from '@tanstack/react-query';
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
