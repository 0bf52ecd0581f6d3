import { ActionIcon, Alert, Button, Code, Group, Stack, Text, Textarea } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst } from '../parts/ask';
import { Part } from '../parts/page';
import { Trouble } from '../parts/said';
import { useMay, useWho } from '../rights';
import { useLanguage } from '../settings';
import { words } from './words';

type Audience = Schema<'AudienceInForce'>;

/** Who answers for an audience, what waits for approval, and what was said of it. changed is called when the audience is another. */
export function Together({ audience, changed }: { audience: Audience; changed?: () => void }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const afresh = () => {
    void queries.invalidateQueries();
    changed?.();
  };
  return (
    <Part
      title={say('together')}
      about={
        <>
          {say('owner')}: <bdi>{audience.owner || audience.by}</bdi>
          {audience.approved_by && ` · ${say('approvedBy', { name: audience.approved_by })}`}
        </>
      }
    >
      <Stack>
        {audience.draft && <Draft name={audience.name} draft={audience.draft} afresh={afresh} />}
        <Comments name={audience.name} />
      </Stack>
    </Part>
  );
}

function Draft({ name, draft, afresh }: { name: string; draft: Schema<'AudienceDraft'>; afresh: () => void }) {
  const { say, minute } = useLanguage(words);
  const may = useMay();
  const who = useWho();
  const mine = who?.name === draft.by;
  const approve = useMutation({
    mutationFn: () =>
      api.post('/api/v1/audiences/{name}/approve', { path: { name }, body: { draft: draft.position } as never }),
    onSuccess: afresh,
  });
  return (
    <Alert color="amber" title={say('waits')}>
      <Stack gap="xs">
        <Text size="sm">{say('waitsHelp', { name: draft.by, at: minute(draft.at) })}</Text>
        <Text size="sm">
          {say('wouldBe')}: <Code dir="ltr">{draft.reads}</Code>
        </Text>
        {approve.error && <Trouble error={approve.error} />}
        <Group gap="xs">
          {may('approve') ? (
            <Button size="xs" loading={approve.isPending} onClick={() => approve.mutate()}>
              {say('approve')}
            </Button>
          ) : (
            <Text size="xs">{say('mayNotApprove')}</Text>
          )}
          {(mine || may('approve')) && (
            <AskFirst
              size="xs"
              label={say(mine ? 'withdraw' : 'refuse')}
              title={say('withdrawTitle', { name })}
              consequence={<Text size="sm">{say('withdrawHelp')}</Text>}
              act={() => api.delete('/api/v1/audiences/{name}/draft', { path: { name } })}
              done={afresh}
            />
          )}
        </Group>
      </Stack>
    </Alert>
  );
}

function Comments({ name }: { name: string }) {
  const { say, minute } = useLanguage(words);
  const may = useMay();
  const who = useWho();
  const queries = useQueryClient();
  const [text, setText] = useState('');
  const key = ['comments', name];
  const comments = useQuery({
    queryKey: key,
    queryFn: () => api.get('/api/v1/audiences/{name}/comments', { path: { name } }),
  });
  const afresh = () => queries.invalidateQueries({ queryKey: key });
  const add = useMutation({
    mutationFn: () => api.post('/api/v1/audiences/{name}/comments', { path: { name }, body: { text } }),
    onSuccess: () => {
      setText('');
      return afresh();
    },
  });
  const remove = useMutation({
    mutationFn: (id: number) => api.delete('/api/v1/audiences/{name}/comments/{id}', { path: { name, id } }),
    onSuccess: afresh,
  });
  const said = comments.data?.items ?? [];
  const error = comments.error ?? add.error ?? remove.error;
  return (
    <Stack gap="xs">
      {error && <Trouble error={error} />}
      {comments.isSuccess && said.length === 0 && (
        <Text size="sm" c="dimmed">
          {say('noComments')}
        </Text>
      )}
      {said.map((c) => (
        <Group key={c.id} justify="space-between" align="flex-start" wrap="nowrap">
          <div>
            <Text size="xs" c="dimmed">
              <bdi>{c.by}</bdi> · {minute(c.at)}
            </Text>
            <Text size="sm" dir="auto" ta="start" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {c.text}
            </Text>
          </div>
          {(c.by === who?.name || may('govern')) && (
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={say('remove', { name: c.by })}
              onClick={() => remove.mutate(c.id)}
            >
              <IconTrash size={14} aria-hidden />
            </ActionIcon>
          )}
        </Group>
      ))}
      {may('contribute') && (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            add.mutate();
          }}
        >
          <Group align="flex-end" wrap="nowrap">
            <Textarea
              flex={1}
              rows={2}
              maxLength={2000}
              label={say('comment')}
              value={text}
              onChange={(e) => setText(e.currentTarget.value)}
            />
            <Button type="submit" variant="default" loading={add.isPending} disabled={!text.trim()}>
              {say('send')}
            </Button>
          </Group>
        </form>
      )}
    </Stack>
  );
}
