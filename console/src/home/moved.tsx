import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api';
import { Part } from '../parts/page';
import { useLanguage } from '../settings';
import { words } from './words';

const week = `select audience, count(*) filter (where entered_at > now() - interval 7 day and exited_at is null) as entered,
  count(*) filter (where exited_at > now() - interval 7 day) as left_it
from audience_members group by 1 having entered + left_it > 0 order by entered + left_it desc, 1 limit 6`;

/** Who came into audiences and went in the last week. */
export function Moved() {
  const { say, number } = useLanguage(words);
  const told = useQuery({
    queryKey: ['home', 'moved'],
    staleTime: 30_000,
    queryFn: () => api.post('/api/v1/query', { body: { sql: week } }),
  });
  const rows = (told.data?.rows ?? []) as [string, number, number][];
  return (
    <Part title={say('moved')} about={say('movedHelp')}>
      <Stack gap="xs">
        {told.data && rows.length === 0 && (
          <>
            <Text size="sm">{say('movedNone')}</Text>
            <Button
              size="xs"
              variant="light"
              renderRoot={(props) => <Link to="/audiences/new" {...props} />}
              style={{ alignSelf: 'start' }}
            >
              {say('newAudience')}
            </Button>
          </>
        )}
        {rows.map(([name, came, went]) => (
          <Group key={name} justify="space-between" gap="xs" wrap="nowrap">
            <Text size="sm" truncate>
              <Anchor renderRoot={(props) => <Link to="/audiences/of/$name" params={{ name }} {...props} />}>
                <bdi>{name}</bdi>
              </Anchor>
            </Text>
            <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
              +{number(Number(came))} {say('entered')}, −{number(Number(went))} {say('left')}
            </Text>
          </Group>
        ))}
      </Stack>
    </Part>
  );
}
