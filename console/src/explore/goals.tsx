import { Button, Checkbox, Group, NumberInput, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconTarget } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { Suggest } from '../audiences/inputs';
import { AskFirst, FormDialog } from '../parts/ask';
import { useAudienceNames } from '../parts/names';
import { Page, Part } from '../parts/page';
import { Empty, Meter, Trouble, Waiting } from '../parts/said';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { useFields } from './form';
import { useFormat } from './format';
import { Tabs } from './tabs';
import { words } from './words';

export function Goals() {
  const { say } = useLanguage(words);
  const told = useQuery({
    queryKey: ['saved', 'goal'],
    queryFn: () => api.get('/api/v1/saved', { query: { kind: 'goal' } }),
  });
  const list = told.data?.items ?? [];
  const make = (
    <Allowed right="contribute">
      <NewGoal />
    </Allowed>
  );
  return (
    <Page title={say('goals')} about={say('goalsHelp')} actions={list.length > 0 && make}>
      <Tabs />
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && list.length === 0 && (
        <Empty icon={IconTarget} title={say('goalsEmpty')} action={make}>
          {say('goalsHelp')}
        </Empty>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {list.map((g) => (
          <Goal key={g.name} of={g} />
        ))}
      </SimpleGrid>
    </Page>
  );
}

function Goal({ of }: { of: Schema<'Saved'> }) {
  const { say } = useLanguage(words);
  const w = useFormat();
  const queries = useQueryClient();
  const path = { kind: 'goal' as const, name: of.name };
  const told = useQuery({
    queryKey: ['saved', 'goal', of.name, of.at],
    queryFn: () => api.get('/api/v1/saved/{kind}/{name}/answer', { path }),
    refetchInterval: 60_000,
  });
  const p = told.data?.progress;
  const words_ = of.goal?.at_most ? (p?.reached ? 'within_' : 'over') : p?.reached ? 'reached' : 'notReached';
  return (
    <Part
      title={of.name}
      about={
        of.description ||
        [
          of.goal?.measure.replaceAll('_', ' '),
          of.goal?.last && `last_${of.goal.last}` in words.en
            ? say(`last_${of.goal.last}` as 'last_90d')
            : of.goal?.last,
          of.goal?.audience,
        ]
          .filter(Boolean)
          .join(', ')
      }
      actions={
        <Allowed right="contribute">
          <AskFirst
            size="compact-xs"
            label={say('delete')}
            title={say('deleteTitle', { name: of.name })}
            consequence={say('deleteGoal')}
            act={() => api.delete('/api/v1/saved/{kind}/{name}', { path })}
            done={() => void queries.invalidateQueries({ queryKey: ['saved', 'goal'] })}
          />
        </Allowed>
      }
    >
      {told.error && <Trouble error={told.error} />}
      {!told.data && !told.error && <Waiting />}
      {p && (
        <Stack gap={6}>
          <Group justify="space-between" align="baseline">
            <Text fz={26} fw={600}>
              {w.format(p.value, p.unit)}
            </Text>
            <Text size="sm" c={p.reached ? 'pine' : 'dimmed'}>
              {say(words_ as 'reached')}
            </Text>
          </Group>
          <Meter share={(p.percent ?? 0) / 100} over={of.goal?.at_most && !p.reached} label={of.name} />
          <Text size="xs" c="dimmed">
            {say('ofTarget', { percent: w.format(p.percent, 'percent'), target: w.format(p.target, p.unit) })}
          </Text>
          {(p.parts ?? []).map((part) => (
            <Group key={part.audience} justify="space-between">
              <Text size="xs">{part.audience}</Text>
              <Text size="xs">{part.error ?? w.format(part.value, p.unit)}</Text>
            </Group>
          ))}
        </Stack>
      )}
    </Part>
  );
}

function NewGoal() {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const fields = useFields();
  const audiences = useAudienceNames();
  const [opened, { open, close }] = useDisclosure(false);
  const [name, setName] = useState('');
  const [measure, setMeasure] = useState('revenue');
  const [target, setTarget] = useState<number | string>('');
  const [last, setLast] = useState('90d');
  const [atMost, setAtMost] = useState(false);
  const [audience, setAudience] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: () =>
      api.put('/api/v1/saved/{kind}/{name}', {
        path: { kind: 'goal', name: name.trim() },
        body: {
          kind: 'goal',
          name: name.trim(),
          shared: ['*'],
          goal: {
            measure,
            target: Number(target),
            last,
            at_most: atMost || undefined,
            audience: audience ?? undefined,
          },
        },
      }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['saved', 'goal'] });
      close();
    },
  });
  return (
    <>
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
        {say('newGoal')}
      </Button>
      <FormDialog title={say('newGoal')} opened={opened} close={close} doing={save} label={say('save')}>
        <TextInput
          label={say('name')}
          required
          maxLength={64}
          data-autofocus
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        <div>
          <Text size="sm" fw={500} aria-hidden>
            {say('measure')}
          </Text>
          <Suggest
            label={say('measure')}
            value={measure}
            set={setMeasure}
            choices={(fields.data?.measures ?? []).map((m) => ({ value: m.name }))}
            w={300}
          />
        </div>
        <NumberInput label={say('target')} required thousandSeparator value={target} onChange={setTarget} />
        <Select
          label={say('last')}
          allowDeselect={false}
          data={(['7d', '30d', '90d', '365d'] as const).map((s) => ({ value: s, label: say(`last_${s}`) }))}
          value={last}
          onChange={(l) => setLast(l ?? '90d')}
        />
        <Select
          label={say('goalAudience')}
          placeholder={say('everybody')}
          clearable
          data={audiences.map((a) => a.value)}
          value={audience}
          onChange={setAudience}
        />
        <Checkbox label={say('atMost')} checked={atMost} onChange={(e) => setAtMost(e.currentTarget.checked)} />
      </FormDialog>
    </>
  );
}
