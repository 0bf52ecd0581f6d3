import { Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api';
import { Part } from '../parts/page';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { words } from './words';

/** Who came into audiences and went in the last week, of those that there are still. */
export function Moved() {
  const { say, number } = useLanguage(words);
  const all = useQuery({ queryKey: ['audiences'], queryFn: () => api.get('/api/v1/audiences') });
  const names = all.data?.items?.map((a) => a.name);
  const told = useQuery({
    queryKey: ['home', 'moved', names],
    staleTime: 30_000,
    enabled: names !== undefined,
    queryFn: async () =>
      names?.length
        ? api.post('/api/v1/explore', {
            body: {
              kind: 'metric',
              measures: ['entries', 'exits'],
              by: ['audience'],
              where: [{ field: 'audience', op: 'in', value: names }],
              last: '7d',
              limit: 1000,
            },
          })
        : { rows: [] },
  });
  const rows = ((told.data?.rows ?? []) as [string, number | null, number | null][])
    .map(([name, came, went]) => [name, came ?? 0, went ?? 0] as const)
    .sort((a, b) => b[1] + b[2] - a[1] - a[2])
    .slice(0, 6);
  return (
    <Part title={say('moved')} about={say('movedHelp')}>
      <Stack gap="xs">
        {told.data && rows.length === 0 && (
          <>
            <Text size="sm">{say('movedNone')}</Text>
            <Allowed right="audiences">
              <Button
                size="xs"
                variant="light"
                renderRoot={(props) => <Link to="/audiences/new" {...props} />}
                style={{ alignSelf: 'start' }}
              >
                {say('newAudience')}
              </Button>
            </Allowed>
          </>
        )}
        {rows.map(([name, came, went]) => (
          <Group key={name} justify="space-between" gap="xs" wrap="nowrap">
            <Text size="sm" truncate>
              <Link className="link" to="/audiences/of/$name" params={{ name }}>
                <bdi>{name}</bdi>
              </Link>
            </Text>
            <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
              {[came > 0 && `+${number(came)} ${say('entered')}`, went > 0 && `−${number(went)} ${say('left')}`]
                .filter(Boolean)
                .join(', ')}
            </Text>
          </Group>
        ))}
      </Stack>
    </Part>
  );
}
