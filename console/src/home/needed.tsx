import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api';
import { Part } from '../parts/page';
import type { Pulse } from '../parts/pulse';
import { daysUntil } from '../privacy/due';
import { useMay, useOpens } from '../rights';
import { useLanguage } from '../settings';
import { Wanted } from './home';
import { words } from './words';

/** What waits for a person. What the viewer may not see is left out. */
export function Needed({ pulse }: { pulse: Pulse }) {
  const { say, days } = useLanguage(words);
  const [may, opens] = [useMay(), useOpens()];
  const health = useQuery({
    queryKey: ['identity', 'health'],
    queryFn: () => api.get('/api/v1/identity/health'),
    staleTime: 60_000,
  });
  const runs = useQuery({ queryKey: ['matching', 'runs'], queryFn: () => api.get('/api/v1/identity/matching/runs') });
  const exports = useQuery({
    queryKey: ['exports'],
    enabled: may('export'),
    queryFn: () => api.get('/api/v1/exports', { query: { limit: 100 } }),
  });
  const erasures = useQuery({
    queryKey: ['erasures'],
    queryFn: () => api.get('/api/v1/erasures'),
    enabled: may('govern'),
  });
  const requests = useQuery({
    queryKey: ['requests'],
    queryFn: () => api.get('/api/v1/privacy/requests'),
    enabled: may('govern'),
  });
  const audiences = useQuery({ queryKey: ['audiences'], queryFn: () => api.get('/api/v1/audiences') });
  const purges = (erasures.data?.waiting ?? []).map((w) => w.purge_by);
  const asked = (requests.data?.items ?? []).filter((q) => !q.closed).map((q) => q.due);
  const first = (due: string[]) => days(Math.min(...due.map((at) => daysUntil(at, Date.now()))));
  const failed = (exports.data?.items ?? []).filter((e) => e.state === 'failed').length;
  const drafts = (audiences.data?.items ?? []).filter((a) => a.draft).length;
  const waiting = (runs.data?.items ?? []).some((r) => r.state === 'waiting');
  const aside = Number(pulse.counts?.quarantined ?? 0);
  const open = health.data?.matching.open ?? 0;
  const lines = [
    drafts > 0 && may('approve') && { text: say('drafts', { count: drafts }), act: say('draftsDo'), to: '/audiences' },
    aside > 0 && { text: say('quarantine', { count: aside }), act: say('quarantineDo'), to: '/data/quarantine' },
    open > 0 && may('serve') && { text: say('reviews', { count: open }), act: say('reviewsDo'), to: '/data/reviews' },
    waiting && may('approve') && { text: say('matching'), act: say('matchingDo'), to: '/data/reviews' },
    asked.length > 0 && {
      text: say('requests', { count: asked.length, when: first(asked) }),
      act: say('requestsDo'),
      to: '/privacy/requests',
    },
    purges.length > 0 && {
      text: say('erasures', { count: purges.length, when: first(purges) }),
      act: say('erasuresDo'),
      to: '/privacy/requests',
    },
    failed > 0 && { text: say('exports', { count: failed }), act: say('exportsDo'), to: '/data/sources' },
  ]
    .filter((l) => l !== false)
    .filter((l) => opens(l.to));
  return (
    <Part title={say('needed')}>
      <Stack gap="xs">
        {lines.length === 0 && <Text size="sm">{say('neededNone')}</Text>}
        {lines.map((l) => (
          <Wanted key={l.text} {...l} />
        ))}
      </Stack>
    </Part>
  );
}
