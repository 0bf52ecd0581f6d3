import { Badge, Button, Code, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst } from '../parts/ask';
import { Part } from '../parts/page';
import { download } from '../parts/rows';
import { Trouble, Waiting } from '../parts/said';
import { useLanguage } from '../settings';
import { Asked, Enter } from './asked';
import { daysUntil } from './due';
import { PrivacyPage } from './frame';
import { words } from './words';

interface Certificate {
  number: number;
  what: 'erased' | 'purged';
  id: string;
  at: string;
  by?: string;
  profile?: string;
  exports?: string[];
  purged?: Record<string, number>;
  erasure?: { counts?: Record<string, number> };
  purge_by?: string;
}

/** What a person may ask for: to see everything, and to be forgotten. Both leave a proof. */
export function Requests() {
  const { say } = useLanguage(words);
  const [namespace, setNamespace] = useState('email');
  const [value, setValue] = useState('');
  return (
    <PrivacyPage title={say('requests')} about={say('requestsAbout')}>
      <Part title={say('who')} about={say('whoHelp')}>
        <Group gap="xs" align="flex-end">
          <Select
            label={say('namespace')}
            data={['email', 'phone', 'user_id', 'loyalty_id', 'anonymous_id', 'id']}
            value={namespace}
            onChange={(n) => setNamespace(n ?? 'email')}
            allowDeselect={false}
            w={150}
          />
          <TextInput
            label={say('value')}
            value={value}
            onChange={(e) => setValue(e.currentTarget.value)}
            style={{ flex: '1 1 220px' }}
            maw={360}
          />
        </Group>
        <Rights namespace={namespace} value={value.trim()} />
      </Part>
      <Asked
        take={(profile) => {
          setNamespace('id');
          setValue(profile);
          window.scrollTo({ top: 0 });
        }}
      />
      <Erasures />
    </PrivacyPage>
  );
}

/** The page of access as a file, and the erasure with what it deletes. */
function Rights({ namespace, value }: { namespace: string; value: string }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const access = useMutation({
    mutationFn: async (html: boolean) => {
      const answer = await api.send('POST', '/api/v1/profiles/access', { namespace, value, html });
      download(`access.${html ? 'html' : 'json'}`, await answer.blob());
    },
  });
  const count = useMutation({
    mutationFn: () => api.post('/api/v1/profiles/erase', { body: { namespace, value, dry_run: true } }),
  });
  const asked = (e: FormEvent) => e.preventDefault();
  const error = access.error ?? count.error;
  return (
    <form onSubmit={asked}>
      <Group gap="xs" mt="sm">
        <Enter namespace={namespace} value={value} />
        <Button
          variant="default"
          disabled={!value}
          loading={access.isPending}
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => access.mutate(true)}
        >
          {say('accessPage')}
        </Button>
        <Button variant="default" disabled={!value} onClick={() => access.mutate(false)}>
          {say('accessJson')}
        </Button>
        <Button variant="default" disabled={!value} loading={count.isPending} onClick={() => count.mutate()}>
          {say('wouldErase')}
        </Button>
      </Group>
      {error && <Trouble error={error} />}
      {count.data && value && (
        <Stack gap="xs" mt="sm" data-testid="would-erase">
          <Text size="sm">
            {say('wouldEraseCounts', { profile: count.data.profile as unknown as string })}{' '}
            <Counts of={count.data.counts} />
          </Text>
          <Group>
            <AskFirst
              label={say('erase')}
              title={say('eraseTitle')}
              consequence={
                <>
                  <Text size="sm">{say('eraseHelp')}</Text>
                  <Text size="sm" mt="xs">
                    <Counts of={count.data.counts} />
                  </Text>
                </>
              }
              act={() => api.post('/api/v1/profiles/erase', { body: { namespace, value } })}
              done={() => {
                count.reset();
                void queries.invalidateQueries({ queryKey: ['erasures'] });
                void queries.invalidateQueries({ queryKey: ['requests'] });
              }}
            />
          </Group>
        </Stack>
      )}
    </form>
  );
}

function Counts({ of }: { of: Schema<'EraseResult'>['counts'] | undefined }) {
  const { number } = useLanguage(words);
  const parts = Object.entries(of ?? {}).filter(([, n]) => Number(n) > 0);
  return <>{parts.map(([table, n]) => `${table} ${number(Number(n))}`).join(', ') || '0'}</>;
}

/** The certificates: what was deleted, and when the bytes were gone. */
function Erasures() {
  const { say, minute, days } = useLanguage(words);
  const told = useQuery({
    queryKey: ['erasures'],
    queryFn: () => api.get('/api/v1/erasures'),
    refetchInterval: 15_000,
  });
  const all = [...((told.data?.items ?? []) as Certificate[])].reverse();
  const purged = new Map(all.filter((c) => c.what === 'purged').map((c) => [c.id, c]));
  const list = all.filter((c) => c.what === 'erased');
  const by = new Map((told.data?.waiting ?? []).map((w) => [w.id, w.purge_by]));
  const gone = (id: string) => {
    const [at, due] = [purged.get(id)?.at, by.get(id)];
    if (at) return say('goneAt', { at: minute(at) });
    return due ? say('goneBy', { when: days(daysUntil(due, Date.now())) }) : say('waits');
  };
  return (
    <Part title={say('erasures')} about={say('erasuresHelp')}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && list.length === 0 && <Text size="sm">{say('erasuresNone')}</Text>}
      {list.length > 0 && (
        <div className="scroll">
          <table className="table" style={{ minWidth: 480 }}>
            <thead>
              <tr>
                <th>{say('certificate')}</th>
                <th>{say('erasedAt')}</th>
                <th>{say('deleted')}</th>
                <th>{say('bytes')}</th>
              </tr>
            </thead>
            <tbody>
              {list.map((c) => (
                <tr key={c.id}>
                  <td>
                    <details>
                      <summary>{c.id}</summary>
                      <Code block dir="ltr" style={{ maxWidth: 420, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                        {JSON.stringify([c, purged.get(c.id)].filter(Boolean), null, 2)}
                      </Code>
                      <Button
                        size="compact-xs"
                        variant="default"
                        mt={4}
                        onClick={() =>
                          download(
                            `${c.id}.json`,
                            JSON.stringify([c, purged.get(c.id)].filter(Boolean), null, 2),
                            'application/json',
                          )
                        }
                      >
                        {say('proof')}
                      </Button>
                    </details>
                  </td>
                  <td>
                    {minute(c.at)} {c.by && `· ${c.by}`}
                  </td>
                  <td>
                    <Counts of={c.erasure?.counts} />
                  </td>
                  <td>
                    <Badge
                      size="sm"
                      miw="max-content"
                      variant="light"
                      color={purged.has(c.id) ? 'pine' : 'amber'}
                      tt="none"
                    >
                      {gone(c.id)}
                    </Badge>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Part>
  );
}
