import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { api } from '../api';
import { Trouble, Waiting } from '../parts/said';
import { Builder } from './build';
import { FromSqlForm } from './sql';

const route = getRouteApi('/audiences/of/$name/change');

/** The next version of an audience. */
export function Change() {
  const path = route.useParams();
  const told = useQuery({
    queryKey: ['audiences', path.name, 'to change'],
    queryFn: () => api.get('/api/v1/audiences/{name}', { path }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  return told.data.kind === 'sql' ? <FromSqlForm of={told.data} /> : <Builder of={told.data} />;
}
