// What a person who serves a customer needs at hand.
import { useQuery } from '@tanstack/react-query';
import { api, type Identifier, type Schema } from '../api';

export type Summary = Schema<'Summary'>;

export function useSummary(id: Identifier) {
  return useQuery({
    queryKey: ['summary', id.namespace, id.value],
    queryFn: () => api.get('/api/v1/profiles/{namespace}/{value}/summary', { path: id }),
  });
}
