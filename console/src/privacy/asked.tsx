import { Badge, Box, Button, Group, Select, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst, FormDialog } from '../parts/ask';
import { Part } from '../parts/page';
import { Person } from '../parts/people';
import { Trouble, Waiting } from '../parts/said';
import { useLanguage } from '../settings';
import { daysUntil, today } from './due';
import { words } from './words';

type Request = Schema<'SubjectRequest'>;
type Kind = Request['kind'];

/** What persons have asked for, what is due first before all. take is called with the person of one to answer. */
export function Asked({ take }: { take: (profile: string) => void }) {
  const { say } = useLanguage(words);
  const told = useQuery({ queryKey: ['requests'], queryFn: () => api.get('/api/v1/privacy/requests') });
  const open = (told.data?.items ?? []).filter((q) => !q.closed);
  const closed = (told.data?.items ?? []).filter((q) => q.closed);
  return (
    <Part title={say('asked')} about={say('askedHelp')}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && open.length === 0 && <Text size="sm">{say('askedNone')}</Text>}
      {open.length > 0 && <List of={open} take={take} />}
      {closed.length > 0 && (
        <details className="behind">
          <summary>{say('askedClosed', { count: closed.length })}</summary>
          <List of={closed} />
        </details>
      )}
    </Part>
  );
}

function List({ of, take }: { of: Request[]; take?: (profile: string) => void }) {
  const { say, day } = useLanguage(words);
  return (
    <div className="scroll">
      <table className="table" aria-label={say('asked')}>
        <thead>
          <tr>
            <th>{say('due')}</th>
            <th>{say('person')}</th>
            <th className="mantine-visible-from-sm">{say('received')}</th>
            <th className="mantine-visible-from-sm">{take ? '' : say('outcome')}</th>
          </tr>
        </thead>
        <tbody>
          {of.map((q) => (
            <tr key={q.id} data-testid="request">
              <td>
                {take ? <Due at={q.due} /> : day(q.due)}
                <Text size="xs" c="dimmed">
                  {take && day(q.due)}
                </Text>
              </td>
              <td style={{ overflowWrap: 'anywhere' }}>
                {say(`kind_${q.kind}`)}:{' '}
                {take ? <Person id={q.profile as unknown as string} /> : (q.profile as unknown as string)}
                <Text size="xs" c="dimmed">
                  <bdi>{q.reference}</bdi>
                </Text>
                <Box hiddenFrom="sm" mt={4}>
                  {take ? <Acts of={q} take={take} /> : <Ended of={q} />}
                </Box>
              </td>
              <td className="mantine-visible-from-sm">
                {day(q.received)}
                <Text size="xs" c="dimmed">
                  {q.by}
                </Text>
              </td>
              <td className="mantine-visible-from-sm">{take ? <Acts of={q} take={take} /> : <Ended of={q} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** By when, and how near that is. */
export function Due({ at }: { at: string }) {
  const { days } = useLanguage(words);
  const left = daysUntil(at, Date.now());
  return (
    <Badge
      size="sm"
      miw="max-content"
      variant="light"
      tt="none"
      color={left < 0 ? 'red' : left <= 7 ? 'amber' : 'gray'}
    >
      {days(left)}
    </Badge>
  );
}

function Ended({ of }: { of: Request }) {
  const { say, day } = useLanguage(words);
  return (
    <>
      {of.outcome && say(`outcome_${of.outcome}`)} · {day(of.closed ?? '')}
      <Text size="xs" c="dimmed">
        {[of.closed_by, of.reason].filter(Boolean).join(' · ')}
      </Text>
    </>
  );
}

function Acts({ of, take }: { of: Request; take: (profile: string) => void }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const close = (outcome: 'answered' | 'refused') =>
    api.post('/api/v1/privacy/requests/{id}/close', {
      path: { id: of.id },
      body: { outcome, reason: reason.trim() || undefined },
    });
  const done = () => void queries.invalidateQueries({ queryKey: ['requests'] });
  return (
    <Group gap={4}>
      <Button size="compact-xs" variant="light" onClick={() => take(of.profile as unknown as string)}>
        {say('take')}
      </Button>
      <AskFirst
        size="compact-xs"
        label={say('answered')}
        title={say('answeredTitle')}
        consequence={<Text size="sm">{say(of.kind === 'erasure' ? 'answeredErasure' : 'answeredAccess')}</Text>}
        act={() => close('answered')}
        done={done}
      />
      <AskFirst
        size="compact-xs"
        label={say('refuse')}
        title={say('refuseTitle')}
        consequence={
          <TextInput
            label={say('reason')}
            description={say('reasonHelp')}
            maxLength={500}
            value={reason}
            onChange={(e) => setReason(e.currentTarget.value)}
          />
        }
        act={() => close('refused')}
        done={done}
      />
    </Group>
  );
}

/** Notes that a person has asked, so that the answer is not forgotten. */
export function Enter({ namespace, value }: { namespace: string; value: string }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const [kind, setKind] = useState<Kind>('access');
  const [received, setReceived] = useState(today());
  const [reference, setReference] = useState('');
  const enter = useMutation({
    mutationFn: () =>
      api.post('/api/v1/privacy/requests', {
        body: {
          namespace,
          value,
          kind,
          received: received === today() ? undefined : new Date(`${received}T00:00`).toISOString(),
          reference: reference.trim() || undefined,
        },
      }),
    onSuccess: () => {
      close();
      setReference('');
      return queries.invalidateQueries({ queryKey: ['requests'] });
    },
  });
  return (
    <>
      <Button disabled={!value} onClick={open}>
        {say('enter')}
      </Button>
      <FormDialog title={say('enterTitle')} opened={opened} close={close} doing={enter} label={say('enter')}>
        <Select
          label={say('what')}
          allowDeselect={false}
          data={(['access', 'erasure'] as const).map((k) => ({ value: k, label: say(`kind_${k}`) }))}
          value={kind}
          onChange={(k) => setKind((k ?? 'access') as Kind)}
        />
        <TextInput
          type="date"
          required
          max={today()}
          label={say('received')}
          description={say('receivedHelp')}
          value={received}
          onChange={(e) => setReceived(e.currentTarget.value)}
        />
        <TextInput
          label={say('reference')}
          description={say('referenceHelp')}
          maxLength={200}
          value={reference}
          onChange={(e) => setReference(e.currentTarget.value)}
        />
      </FormDialog>
    </>
  );
}
