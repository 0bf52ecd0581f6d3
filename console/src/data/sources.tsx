import { Badge, Button, Code, CopyButton, Group, Stack, Tabs, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCheck, IconCopy, IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api';
import { AskFirst, Dialog } from '../parts/ask';
import { usePulse } from '../parts/pulse';
import { Trouble, Waiting } from '../parts/said';
import { type Column, DataTable } from '../parts/table';
import { Allowed, useMay } from '../rights';
import { useLanguage } from '../settings';
import { AddSource } from './add';
import { DataPage } from './frame';
import { type Source, snippets } from './snippets';
import { words } from './words';

/** Where events come from, and how to send some. */
export function Sources() {
  const { say } = useLanguage(words);
  const [adding, { open, close }] = useDisclosure(false);
  const [shown, setShown] = useState<Source>();
  const told = useQuery({ queryKey: ['sources'], queryFn: () => api.get('/api/v1/sources') });
  const { rates } = usePulse();
  const list = told.data?.items ?? [];
  return (
    <DataPage
      title={say('sources')}
      about={say('sourcesAbout')}
      actions={
        <Allowed right="govern">
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
            {say('addSource')}
          </Button>
        </Allowed>
      }
    >
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && <List list={list} rates={rates} show={setShown} />}
      <AddSource opened={adding} close={close} made={setShown} />
      <Dialog
        opened={shown !== undefined}
        close={() => setShown(undefined)}
        size="xl"
        title={say('connect', { name: shown?.name ?? '' })}
      >
        {shown && <Connect source={list.find((s) => s.name === shown.name) ?? shown} />}
      </Dialog>
    </DataPage>
  );
}

interface ListProps {
  list: Source[];
  rates: (source: string) => number[];
  show: (s: Source) => void;
}

function List({ list, rates, show }: ListProps) {
  const { say, number } = useLanguage(words);
  const minute = (s: Source) => rates(s.name).reduce((a, b) => a + b, 0);
  const columns: Column<Source>[] = [
    {
      key: 'name',
      title: say('source'),
      value: (s) => s.name,
      show: (s) => (
        <Group gap={6}>
          <Text size="sm" fw={500}>
            <bdi>{s.name}</bdi>
          </Text>
          {s.ended && (
            <Badge size="xs" color="gray" variant="light" tt="none">
              {say('ended')}
            </Badge>
          )}
        </Group>
      ),
    },
    {
      key: 'kind',
      title: say('kind'),
      from: 'xs',
      value: (s) => s.kind,
      show: (s) => say(`kind_${s.kind}` as 'kind_browser'),
    },
    {
      key: 'key',
      title: say('writeKey'),
      from: 'md',
      value: (s) => s.write_key,
      show: (s) =>
        s.write_key ? (
          <Code>{s.write_key}</Code>
        ) : (
          <Text size="xs" c="dimmed">
            {say(s.kind === 'file' ? 'noKey' : 'hiddenKey')}
          </Text>
        ),
    },
    {
      key: 'origin',
      title: say('madeIn'),
      from: 'md',
      value: (s) => (s.config ? 'configuration' : s.by),
      show: (s) => (s.config ? say('configured') : s.by),
    },
    {
      key: 'error',
      title: say('lastError'),
      from: 'sm',
      value: (s) => s.last_error?.at,
      show: (s) => <LastError of={s} />,
    },
    { key: 'minute', title: say('lastMinute'), align: 'end', value: minute, show: (s) => number(minute(s)) },
    {
      key: 'act',
      title: '',
      align: 'end',
      value: () => '',
      show: (s) =>
        s.ended ? null : (
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <Button size="compact-xs" variant="light" onClick={() => show(s)}>
              {say('snippet')}
            </Button>
          </Group>
        ),
    },
  ];
  return <DataTable label={say('sources')} rows={list} columns={columns} id={(s) => s.name} />;
}

/** When and why its newest record in quarantine could not be used. */
function LastError({ of: s }: { of: Source }) {
  const { minute } = useLanguage(words);
  if (!s.last_error) return '–';
  return (
    <Link className="link" to="/data/quarantine" search={{ source: s.name }} title={s.last_error.reason} data-small>
      {minute(s.last_error.at)}
      <Text size="xs" c="dimmed" lineClamp={1} maw={260}>
        {s.last_error.reason ?? s.last_error.code}
      </Text>
    </Link>
  );
}

/** What to copy, and what to do with the key. */
function Connect({ source }: { source: Source }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const all = snippets(source, window.location.origin);
  const may = useMay();
  const changed = () => queries.invalidateQueries({ queryKey: ['sources'] });
  return (
    <Stack>
      <Text size="sm">{say(`how_${source.kind}` as 'how_browser')}</Text>
      <Tabs defaultValue={all[0].title} keepMounted={false}>
        <Tabs.List>
          {all.map((s) => (
            <Tabs.Tab key={s.title} value={s.title}>
              {s.title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {all.map((s) => (
          <Tabs.Panel key={s.title} value={s.title} pt="sm">
            <Group justify="flex-end" mb={4}>
              <CopyButton value={s.text}>
                {({ copied, copy }) => (
                  <Button
                    size="xs"
                    variant={copied ? 'filled' : 'default'}
                    leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
                    onClick={copy}
                  >
                    {say(copied ? 'copied' : 'copy')}
                  </Button>
                )}
              </CopyButton>
            </Group>
            <Code block dir="ltr" data-testid="snippet" tabIndex={0} style={{ maxHeight: 340 }}>
              {s.text}
            </Code>
          </Tabs.Panel>
        ))}
      </Tabs>
      <Group justify="space-between">
        <Allowed right="records">
          <Button
            variant="light"
            renderRoot={(props) => <Link to="/data/live" search={{ source: source.name }} {...props} />}
          >
            {say('watch')}
          </Button>
        </Allowed>
        {!source.config && !source.ended && may('govern') && (
          <Group gap="xs">
            {source.kind !== 'file' && (
              <AskFirst
                label={say('newKey')}
                title={say('newKeyTitle', { name: source.name })}
                consequence={say('newKeyHelp')}
                act={() =>
                  api.put('/api/v1/sources/{name}', {
                    path: { name: source.name },
                    body: {
                      name: source.name,
                      kind: source.kind,
                      allowed_origins: source.allowed_origins,
                      verified: source.verified,
                      new_key: true,
                    },
                  })
                }
                done={changed}
              />
            )}
            <AskFirst
              label={say('end')}
              title={say('endTitle', { name: source.name })}
              consequence={say('endHelp')}
              act={() => api.delete('/api/v1/sources/{name}', { path: { name: source.name } })}
              done={changed}
            />
          </Group>
        )}
      </Group>
      {source.config && (
        <Text size="xs" c="dimmed">
          {say('configuredHelp')}
        </Text>
      )}
    </Stack>
  );
}
