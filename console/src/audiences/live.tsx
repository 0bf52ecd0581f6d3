// What the definition means while it is written: how many, who, and what each condition does.
import { Group, Loader, Paper, Progress, Select, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, Problem, type Schema } from '../api';
import { useAudienceNames, useTraits } from '../parts/names';
import { People } from '../parts/people';
import { Meter, Trouble } from '../parts/said';
import { Sheet } from '../parts/sheet';
import { useLanguage } from '../settings';
import { type Condition, type Rule, tidyRules } from './condition';
import { words } from './words';

/** The count of a definition, asked again a moment after it was changed. */
export function usePreview(where: Condition | undefined, rules: Rule[], editor?: string) {
  const [text] = useDebouncedValue(JSON.stringify({ where, suppress: tidyRules(rules), editor }), 250);
  return useQuery({
    queryKey: ['preview', text],
    // The next one calls it off, which the server would refuse then.
    queryFn: async ({ signal }) => api.post('/api/v1/audiences/preview', { body: JSON.parse(text), signal }),
    enabled: JSON.parse(text).where !== undefined,
    placeholderData: keepPreviousData,
    retry: (times, error) => error instanceof Problem && error.status === 409 && times < 2,
    staleTime: 30_000,
  });
}

type Preview = ReturnType<typeof usePreview>;

interface LiveProps {
  where: Condition | undefined;
  preview: Preview;
  /** As usePreview was called with it: whose progress is shown. */
  editor: string;
  missing: number;
  /** The audience itself, which is not compared with itself. */
  name?: string;
}

export function Live({ where, preview, editor, missing, name }: LiveProps) {
  const { say } = useLanguage(words);
  const p = where ? preview.data : undefined;
  return (
    <Stack gap="sm" aria-live="polite">
      <Paper withBorder p="md">
        {p ? (
          <Count p={p} busy={preview.isFetching} editor={editor} />
        ) : (
          <Text size="sm" c="dimmed">
            {say('startHelp')}
          </Text>
        )}
        {!p && where && preview.isFetching && <Counting editor={editor} />}
        {missing > 0 && (
          <Text size="xs" c="dimmed" mt="xs">
            {say('incomplete', { count: missing })}
          </Text>
        )}
        {where && preview.error && <Trouble error={preview.error} />}
        {p?.problems?.map((problem) => (
          <Text key={problem.at} size="xs" mt="xs" c="var(--warning)">
            {problem.what}: {problem.hint}
          </Text>
        ))}
      </Paper>
      {p && where && <Behind p={p} where={where} name={name} />}
    </Stack>
  );
}

/** That it is counted, and how far it is when that takes its time. */
function Counting({ editor }: { editor: string }) {
  const { say } = useLanguage(words);
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 600);
    return () => clearTimeout(timer);
  }, []);
  const told = useQuery({
    queryKey: ['preview-progress', editor],
    queryFn: () => api.get('/api/v1/previews/{editor}', { path: { editor } }),
    enabled: late,
    refetchInterval: 300,
    gcTime: 0,
  });
  const { running, done = 0, of = 0 } = told.data ?? {};
  if (!running || of < 2) return <Loader size={14} role="status" aria-label={say('counting')} />;
  return <Progress value={(100 * done) / of} size="sm" w={80} aria-label={say('counting')} />;
}

function Count({ p, busy, editor }: { p: Schema<'AudiencePreview'>; busy: boolean; editor: string }) {
  const { say, number, percent } = useLanguage(words);
  return (
    <Stack gap={6}>
      <Group gap="xs" align="baseline">
        <Text fz={34} fw={650} lh={1.1} data-testid="count">
          {number(p.count)}
        </Text>
        <Text>{say('people')}</Text>
        {busy && <Counting editor={editor} />}
      </Group>
      <Share share={p.share} label={say('ofAll', { share: percent(p.share), total: p.total })} />
      <Share
        share={p.revenue_share}
        label={`${say('ofRevenue', { share: percent(p.revenue_share) })} (${number(Math.round(Number(p.revenue)))})`}
      />
      {p.meant ? <Text size="xs">{say('meant', { meant: p.meant })}</Text> : null}
      <Text size="sm" mt={4} style={{ overflowWrap: 'anywhere' }}>
        <bdi>{p.reads}</bdi>
      </Text>
      <Text size="xs" c="dimmed">
        {say('exactNow', { ms: p.took_ms })}
      </Text>
    </Stack>
  );
}

function Share({ share, label }: { share: number; label: string }) {
  return (
    <div>
      <Text size="xs">{label}</Text>
      <Meter share={share} label={label} />
    </div>
  );
}

function Behind({ p, where, name }: { p: Schema<'AudiencePreview'>; where: Condition; name?: string }) {
  const { say } = useLanguage(words);
  return (
    <Paper withBorder p="md">
      <Stack gap="md">
        {(p.breakdown ?? []).length > 1 && (
          <Piece title={say('eachCondition')}>
            <EachCondition of={p.breakdown ?? []} />
          </Piece>
        )}
        {(p.sample ?? []).length > 0 && (
          <Piece title={say('sample')}>
            <People ids={p.sample ?? []} />
          </Piece>
        )}
        <Divided where={where} />
        <Overlap where={where} name={name} />
      </Stack>
    </Paper>
  );
}

/** What each condition comes to alone, and what would be counted without it. */
export function EachCondition({ of }: { of: Schema<'AudiencePart'>[] }) {
  const { say, number } = useLanguage(words);
  return (
    <Sheet
      head={[say('condition'), say('alone'), say('without')]}
      rows={of.map((b) => [b.reads, number(b.count), number(b.without)])}
    />
  );
}

function Piece({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={3} size="h6" mb={4}>
        {title}
      </Title>
      {children}
    </section>
  );
}

/** Its people by a trait. */
function Divided({ where }: { where: Condition }) {
  const { say } = useLanguage(words);
  const traits = useTraits();
  const [chosen, setChosen] = useState<string>();
  const by = chosen ?? (traits.some((t) => t.value === 'country') ? 'country' : traits[0]?.value);
  const told = useQuery({
    queryKey: ['divided', by, JSON.stringify(where)],
    queryFn: () =>
      api.post('/api/v1/explore', {
        body: { kind: 'metric', measures: ['customers'], by: [by ?? ''], people: where, limit: 8 },
      }),
    enabled: !!by,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const rows = (told.data?.rows ?? []) as [string | null, number][];
  const most = Math.max(...rows.map((r) => r[1]), 1);
  return (
    <Piece title={say('breakdown')}>
      <Select
        size="xs"
        mb="xs"
        aria-label={say('breakdown')}
        searchable
        allowDeselect={false}
        data={traits.map((t) => t.value)}
        value={by ?? null}
        onChange={(v) => setChosen(v ?? undefined)}
      />
      {told.error && <Trouble error={told.error} />}
      {rows.map(([value, n]) => (
        <Bar key={String(value)} label={value ?? say('missingValue')} n={n} share={n / most} />
      ))}
    </Piece>
  );
}

export function Bar({ label, n, share }: { label: string; n: number; share: number }) {
  const { number } = useLanguage(words);
  return (
    <div className="counted">
      <bdi>{label}</bdi>
      <Meter share={share} label={`${label}: ${number(n)}`} />
      <span>{number(n)}</span>
    </div>
  );
}

/** In which other audiences its people are, too. */
function Overlap({ where, name }: { where: Condition; name?: string }) {
  const { say } = useLanguage(words);
  const names = useAudienceNames()
    .map((a) => a.value)
    .filter((n) => n !== name)
    .slice(0, 12);
  const told = useQuery({
    queryKey: ['overlap', names, JSON.stringify(where)],
    queryFn: () =>
      api.post('/api/v1/audiences/overlap', {
        // Somebody may delete one meanwhile.
        body: { audiences: [{ where }, ...names.map((n) => ({ name: n, optional: true }))] },
      }),
    enabled: names.length > 0,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const common = told.data?.common?.[0]?.slice(1) ?? [];
  const all = told.data?.counts?.[0] ?? 0;
  const compared = told.data?.audiences?.slice(1) ?? [];
  const list = compared.map((n, i) => ({ n, both: common[i] ?? 0 })).filter((o) => o.both > 0);
  return (
    <Piece title={say('overlap')}>
      {names.length === 0 && <Text size="xs">{say('overlapNone')}</Text>}
      {told.error && <Trouble error={told.error} />}
      {told.data && names.length > 0 && list.length === 0 && <Text size="xs">{say('none')}</Text>}
      {list
        .sort((a, b) => b.both - a.both)
        .map((o) => (
          <Bar key={o.n} label={o.n} n={o.both} share={all > 0 ? o.both / all : 0} />
        ))}
    </Piece>
  );
}
