import { Button, Group, Loader, Menu, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconBookmarks, IconDownload } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api } from '../api';
import { Page, Part } from '../parts/page';
import { csv, download, type Cell as Value } from '../parts/rows';
import { Trouble, Waiting } from '../parts/said';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { AnswerView } from './answer';
import { QuestionForm } from './form';
import { type Answer, askable, type Question, questionOf } from './question';
import { Save } from './save';
import { Tabs } from './tabs';
import { words } from './words';

const route = getRouteApi('/explore');

/** A question, and its answer as soon as it says enough. */
export function Explore() {
  const { say } = useLanguage(words);
  const navigate = useNavigate();
  const q = questionOf(route.useSearch().q);
  const set = (next: Question) => void navigate({ to: '/explore', search: { q: next }, replace: true });
  const [text] = useDebouncedValue(JSON.stringify(q), 250);
  const asked = useMemo(() => JSON.parse(text) as Question, [text]);
  const told = useQuery({
    queryKey: ['explore', text],
    queryFn: () => api.post('/api/v1/explore', { body: asked }),
    enabled: askable(asked),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const fits = told.data?.kind === asked.kind ? told.data : undefined;
  return (
    <Page title={say('explore')} about={say('about')} actions={<Saved />}>
      <Tabs />
      <Part title={say(`kind_${q.kind}`)} about={say(`for_${q.kind}`)}>
        <QuestionForm q={q} set={set} />
      </Part>
      {told.error && askable(asked) && <Trouble error={told.error} />}
      {!fits && told.isFetching && <Waiting />}
      {fits && !told.error && (
        <Part
          title={say('answer')}
          actions={
            <>
              {told.isFetching && <Loader size={14} role="status" aria-label={say('asking')} />}
              <Button
                size="xs"
                variant="default"
                leftSection={<IconDownload size={14} aria-hidden />}
                onClick={() => save(fits)}
              >
                {say('csv')}
              </Button>
              <Allowed right="contribute">
                <Save question={q} />
              </Allowed>
            </>
          }
        >
          <AnswerView question={asked} answer={fits} />
        </Part>
      )}
    </Page>
  );
}

function save(answer: Answer) {
  const columns = (answer.columns ?? []).map((c, i) => ({
    key: c.name,
    title: c.name,
    value: (r: unknown[]) => r[i] as Value,
  }));
  download(`${answer.kind}.csv`, csv((answer.rows ?? []) as unknown[][], columns));
}

/** Saved questions, to be opened. */
function Saved() {
  const { say } = useLanguage(words);
  const navigate = useNavigate();
  const saved = useQuery({
    queryKey: ['saved', 'question'],
    queryFn: () => api.get('/api/v1/saved', { query: { kind: 'question' } }),
  });
  const list = saved.data?.items ?? [];
  if (list.length === 0) return null;
  return (
    <Menu position="bottom-end" width={280}>
      <Menu.Target>
        <Button variant="default" leftSection={<IconBookmarks size={16} aria-hidden />}>
          {say('saved')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={400} style={{ overflowY: 'auto' }}>
        {list.map((s) => (
          <Menu.Item key={s.name} onClick={() => void navigate({ to: '/explore', search: { q: s.question } })}>
            <Group justify="space-between" wrap="nowrap">
              <Text size="sm" truncate>
                {s.name}
              </Text>
              <Text size="xs" c="dimmed">
                {s.question && say(`kind_${s.question.kind}`)}
              </Text>
            </Group>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
