import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconBookmarkPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api';
import { FormDialog } from '../parts/ask';
import { useLanguage } from '../settings';
import type { Question } from './question';
import { words } from './words';

const fresh = '+';

/** Keeps the question under a name, and on a dashboard where one is chosen. */
export function Save({ question }: { question: Question }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const [name, setName] = useState('');
  const [board, setBoard] = useState<string | null>(null);
  const [newBoard, setNewBoard] = useState('');
  const [everybody, setEverybody] = useState(true);
  const boards = useQuery({
    queryKey: ['saved', 'dashboard'],
    queryFn: () => api.get('/api/v1/saved', { query: { kind: 'dashboard' } }),
    enabled: opened,
  });
  const save = useMutation({
    mutationFn: async () => {
      const shared = everybody ? ['*'] : undefined;
      const put = (kind: 'question' | 'dashboard', n: string, more: object) =>
        api.put('/api/v1/saved/{kind}/{name}', { path: { kind, name: n }, body: { kind, name: n, shared, ...more } });
      await put('question', name.trim(), { question });
      const to = board === fresh ? newBoard.trim() : board;
      if (!to) return;
      const held = boards.data?.items?.find((b) => b.name === to);
      const questions = [...(held?.questions ?? []).filter((q) => q !== name.trim()), name.trim()];
      await put('dashboard', to, { questions, description: held?.description, shared: held?.shared ?? shared });
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['saved'] });
      close();
    },
  });
  return (
    <>
      <Button size="xs" leftSection={<IconBookmarkPlus size={15} aria-hidden />} onClick={open}>
        {say('save')}
      </Button>
      <FormDialog title={say('saveTitle')} opened={opened} close={close} doing={save} label={say('save')}>
        <TextInput
          label={say('name')}
          required
          maxLength={64}
          data-autofocus
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        <Select
          label={say('onDashboard')}
          placeholder={say('noDashboard')}
          clearable
          data={[
            ...(boards.data?.items ?? []).map((b) => ({ value: b.name, label: b.name })),
            { value: fresh, label: say('newDashboard') },
          ]}
          value={board}
          onChange={setBoard}
        />
        {board === fresh && (
          <TextInput
            label={say('newDashboard')}
            required
            maxLength={64}
            value={newBoard}
            onChange={(e) => setNewBoard(e.currentTarget.value)}
          />
        )}
        <Checkbox label={say('shared')} checked={everybody} onChange={(e) => setEverybody(e.currentTarget.checked)} />
      </FormDialog>
    </>
  );
}
