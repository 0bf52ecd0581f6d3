import { Alert, Button, Code, Group, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { Dialog } from '../parts/ask';
import { Trouble } from '../parts/said';
import { useLanguage } from '../settings';
import { type Aside, messageOf } from './quarantine';
import { words } from './words';

type Step = Schema<'TransformStep'>;

/** The members of a message that a rule may change, as paths. */
export function pathsOf(message: Record<string, unknown>): string[] {
  const out = ['event', 'userId', 'anonymousId'].filter((k) => k in message);
  for (const part of ['properties', 'traits', 'context']) {
    const members = message[part];
    if (members && typeof members === 'object')
      out.push(...Object.keys(members).map((k) => `${part}.${k.replaceAll('.', '\\.')}`));
  }
  return out;
}

/** Which of them the reason speaks of: by its whole path, else by its name. */
export function blamed(paths: string[], reason: string): string | undefined {
  const inside = paths.filter((p) => p.includes('.'));
  return (
    inside.find((p) => reason.includes(`/${p.replace('.', '/')}`)) ??
    inside.find((p) => reason.includes(p.split('.').slice(1).join('.')))
  );
}

/** A rule that mends an event like this one, tried on it before it is in force; then the event is tried again. */
export function Fix({ entry, close }: { entry: Aside | undefined; close: () => void }) {
  const { say } = useLanguage(words);
  return (
    <Dialog opened={entry !== undefined} close={close} size="xl" title={say('fixTitle')}>
      {entry && <Rule key={entry.id} entry={entry} close={close} />}
    </Dialog>
  );
}

function Rule({ entry, close }: { entry: Aside; close: () => void }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const message = messageOf(entry.raw) ?? {};
  const paths = pathsOf(message);
  const named = blamed(paths, entry.reason);
  const [op, setOp] = useState<Step['op']>('set');
  const [path, setPath] = useState(named ?? paths[0] ?? 'properties.');
  const [value, setValue] = useState(`float(${named ?? paths[0] ?? 'properties.'})`);
  const [to, setTo] = useState('');
  const event = typeof message.event === 'string' ? message.event : `$${String(message.type)}`;
  const step: Step = {
    op,
    path: op === 'filter' ? undefined : path,
    to: op === 'rename' ? to : undefined,
    value: op === 'set' ? value : undefined,
  };
  const name = `fix-${entry.source}-${event}-${path.split('.').at(-1)}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60);
  const rule = { name, sources: [entry.source], events: [event], steps: [step] };
  const [text] = useDebouncedValue(JSON.stringify(rule), 300);
  const trial = useQuery({
    queryKey: ['transform', text, entry.id],
    queryFn: () =>
      api.post('/api/v1/transforms/test', {
        body: { rule: JSON.parse(text), events: [{ source: entry.source, message }] },
      }),
    retry: false,
  });
  const fix = useMutation({
    mutationFn: async () => {
      await api.put('/api/v1/transforms/{name}', { path: { name }, body: rule });
      return api.post('/api/v1/quarantine/replay', {
        body: { where: { source: entry.source, code: entry.code, text: entry.reason.split(';')[0] } },
      });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['quarantine'] }),
  });
  const sample = trial.data?.samples?.[0];
  if (fix.data)
    return (
      <Stack>
        <Alert
          color="pine"
          icon={<IconCheck size={18} aria-hidden />}
          title={say('fixed', { count: fix.data.replayed })}
        >
          {say('fixedHelp', { name })}
        </Alert>
        <Group justify="flex-end">
          <Button onClick={close}>{say('close')}</Button>
        </Group>
      </Stack>
    );
  return (
    <Stack>
      <Text size="sm">{entry.reason}</Text>
      <Group gap="xs" align="flex-end">
        <Select
          label={say('step')}
          data={(['set', 'rename', 'drop', 'filter'] as const).map((o) => ({ value: o, label: say(`op_${o}`) }))}
          value={op}
          onChange={(o) => setOp((o ?? 'set') as Step['op'])}
          allowDeselect={false}
          w={190}
        />
        {op !== 'filter' && (
          <Select
            label={say('path')}
            data={[...new Set([...paths, path])]}
            value={path}
            onChange={(p) => {
              setPath(p ?? '');
              setValue(`float(${p ?? ''})`);
            }}
            allowDeselect={false}
            searchable
            style={{ flex: '1 1 160px' }}
          />
        )}
        {op === 'set' && (
          <TextInput
            label={say('expression')}
            value={value}
            onChange={(e) => setValue(e.currentTarget.value)}
            ff="monospace"
            style={{ flex: '1 1 200px' }}
          />
        )}
        {op === 'rename' && (
          <TextInput
            label={say('renameTo')}
            value={to}
            onChange={(e) => setTo(e.currentTarget.value)}
            style={{ flex: '1 1 160px' }}
          />
        )}
      </Group>
      <Text size="xs" c="dimmed">
        {say('fixHelp', { event, source: entry.source })}
      </Text>
      {trial.error && <Trouble error={trial.error} />}
      {sample && (
        <>
          {sample.problem || sample.violated ? (
            <Alert
              color="amber"
              icon={<IconAlertTriangle size={18} aria-hidden />}
              title={sample.problem || sample.violated}
            />
          ) : (
            <Alert color="pine" icon={<IconCheck size={18} aria-hidden />} title={say('wouldPass')} />
          )}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {[['before', sample.before] as const, ['after', sample.after] as const].map(([when, what]) => (
              <div key={when}>
                <Text size="xs" c="dimmed">
                  {say(when)}
                </Text>
                <Code block dir="ltr" style={{ maxHeight: 240, overflow: 'auto' }} tabIndex={0}>
                  {what === null ? say('filtered') : JSON.stringify(what, null, 2)}
                </Code>
              </div>
            ))}
          </SimpleGrid>
        </>
      )}
      {fix.error && <Trouble error={fix.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          {say('cancel')}
        </Button>
        <Button loading={fix.isPending} disabled={!trial.data} onClick={() => fix.mutate()}>
          {say('fixAndReplay')}
        </Button>
      </Group>
    </Stack>
  );
}
