import { Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { Page, Part } from '../parts/page';
import { Trouble } from '../parts/said';
import { useLanguage } from '../settings';
import { Name, Purpose } from './inputs';
import { words } from './words';

const route = getRouteApi('/audiences/sql');

export function FromSql() {
  const { query } = route.useSearch();
  return <FromSqlForm query={query} />;
}

/** An audience of the people that a query names. */
export function FromSqlForm({ of, query: begin }: { of?: Schema<'AudienceInForce'>; query?: string }) {
  const { say } = useLanguage(words);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [query, setQuery] = useState(
    of?.query ?? begin ?? 'select profile_id from orders group by profile_id having count(*) >= 3',
  );
  const [name, setName] = useState(of?.name ?? '');
  const [every, setEvery] = useState(of?.every ?? '24h');
  const [description, setDescription] = useState(of?.description ?? '');
  const look = useMutation({
    mutationFn: () =>
      api.post('/api/v1/query', {
        body: { sql: `select count(distinct profile_id) as people from (${query.replace(/;\s*$/, '')}) as named` },
      }),
  });
  const save = useMutation({
    mutationFn: () =>
      api.put('/api/v1/audiences/{name}', {
        path: { name: name.trim() },
        body: { name: name.trim(), kind: 'sql', query, every, description: description.trim() || undefined },
      }),
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: ['audiences'] });
      await navigate({ to: '/audiences/of/$name', params: { name: saved.name } });
    },
  });
  return (
    <Page title={of ? say('edit', { name: of.name }) : say('newAudience')} about={say('queryHelp')}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save.mutate();
        }}
      >
        <Part title={say('fromSql')}>
          <Stack maw={760}>
            <Textarea
              label={say('query')}
              autosize
              minRows={5}
              required
              dir="ltr"
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
              value={query}
              onChange={(e) => setQuery(e.currentTarget.value)}
            />
            <Group>
              <Button variant="default" size="xs" loading={look.isPending} onClick={() => look.mutate()}>
                {say('lookFirst')}
              </Button>
              {look.data && <Text size="sm">{say('answers', { count: Number(look.data.rows?.[0]?.[0] ?? 0) })}</Text>}
            </Group>
            {look.error && <Trouble error={look.error} />}
            {!of && <Name value={name} set={setName} />}
            <TextInput
              label={say('every')}
              maw={160}
              required
              value={every}
              onChange={(e) => setEvery(e.currentTarget.value)}
            />
            <Purpose value={description} set={setDescription} />
            {save.error && <Trouble error={save.error} />}
            <Group>
              <Button type="submit" loading={save.isPending}>
                {of ? say('save') : say('saveNew')}
              </Button>
            </Group>
          </Stack>
        </Part>
      </form>
    </Page>
  );
}
