import { Button, Drawer, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconSql, IconUsersPlus } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api';
import { People } from '../parts/people';
import { Trouble, Waiting } from '../parts/said';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import type { Cell, Question } from './question';
import { words } from './words';

/** A part of an answer that was clicked. */
export interface Picked {
  question: Question;
  cell: Cell;
  what: string;
}

/** The people behind a number, and an audience of them. */
export function Behind({ picked, close }: { picked?: Picked; close: () => void }) {
  const { say } = useLanguage(words);
  return (
    <Drawer
      opened={!!picked}
      onClose={close}
      position="right"
      title={picked && say('behind', { what: picked.what })}
      closeButtonProps={{ 'aria-label': say('cancel') }}
    >
      {picked && <Them picked={picked} />}
    </Drawer>
  );
}

function Them({ picked }: { picked: Picked }) {
  const { say, number } = useLanguage(words);
  const { question, cell } = picked;
  const people = useInfiniteQuery({
    queryKey: ['behind', JSON.stringify([question, cell])],
    queryFn: ({ pageParam }) =>
      api.post('/api/v1/explore/people', { body: { question, cell, limit: 25, cursor: pageParam || undefined } }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  });
  const first = people.data?.pages[0];
  if (people.error) return <Trouble error={people.error} />;
  if (!first) return <Waiting />;
  return (
    <Stack>
      <Text fz={28} fw={600} lh={1}>
        {number(first.count)}{' '}
        <Text component="span" size="sm">
          {say('people')}
        </Text>
      </Text>
      <Allowed right="audiences">
        <MakeAudience picked={picked} />
      </Allowed>
      <Allowed right="sql">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconSql size={15} aria-hidden />}
          renderRoot={(props) => <Link to="/explore/sql" search={{ sql: first.sql }} {...props} />}
        >
          {say('openSql')}
        </Button>
      </Allowed>
      <People ids={people.data?.pages.flatMap((p) => p.items ?? []) ?? []} />
      {people.hasNextPage && (
        <Button variant="default" size="xs" loading={people.isFetchingNextPage} onClick={() => people.fetchNextPage()}>
          {say('more')}
        </Button>
      )}
    </Stack>
  );
}

function MakeAudience({ picked }: { picked: Picked }) {
  const { say } = useLanguage(words);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const make = useMutation({
    mutationFn: () =>
      api.post('/api/v1/explore/audience', {
        body: { question: picked.question, cell: picked.cell, name: name.trim() },
      }),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ['audiences'] });
      await navigate({ to: '/audiences/of/$name', params: { name: made.name } });
    },
  });
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        make.mutate();
      }}
    >
      <Stack gap="xs">
        <Group gap="xs" align="flex-end" wrap="nowrap">
          <TextInput
            size="xs"
            flex={1}
            label={say('makeAudience')}
            placeholder={say('audienceName')}
            required
            maxLength={64}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          <Button
            size="xs"
            type="submit"
            loading={make.isPending}
            leftSection={<IconUsersPlus size={15} aria-hidden />}
          >
            {say('make')}
          </Button>
        </Group>
        {make.error && <Trouble error={make.error} />}
      </Stack>
    </form>
  );
}
