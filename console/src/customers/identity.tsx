import { Badge, Group, Paper, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type KeyboardEvent, useState } from 'react';
import { api, type Identifier, type Schema } from '../api';
import { AskFirst } from '../parts/ask';
import { Part } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { useMay } from '../rights';
import { useLanguage } from '../settings';
import { box, type Evidence, keyOf, type Layout, type Line, layout, parts } from './graph';
import { Merge } from './merge';
import { words } from './words';

/** Why it is one person: a picture, the evidence in words, and taking it apart. */
export function Identity({ id }: { id: Identifier }) {
  const { say } = useLanguage(words);
  const may = useMay();
  const [chosen, setChosen] = useState<string>();
  const told = useQuery({
    queryKey: ['identity', id.namespace, id.value],
    queryFn: () => api.get('/api/v1/profiles/{namespace}/{value}/identity', { path: id }),
  });
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  const view = told.data;
  const evidence = view.evidence ?? [];
  const joined = evidence.filter((e) => e.state === 'joined');
  const refused = evidence.filter((e) => e.state !== 'joined');
  const picture = layout(view.identifiers ?? [], evidence);
  const line = picture.lines.find((l) => `${l.a} ${l.b}` === chosen);
  const own = (view.identifiers ?? []).map(keyOf);
  return (
    <Stack>
      <Part
        title={say('why')}
        about={say('whyHelp', { identifiers: own.length, records: joined.length })}
        actions={may('serve') && <Merge view={view} />}
      >
        <Why identifiers={own} evidence={joined} />
        <Picture picture={picture} own={own} chosen={chosen} choose={setChosen} />
        {line && <Told line={line} own={own} all={picture.lines} view={view} />}
        {chosen && own.length > 1 && own.includes(chosen) && <TakeOut chosen={chosen} own={own} view={view} />}
      </Part>
      {(refused.length > 0 || (view.separations ?? []).length > 0) && (
        <Part title={say('refusedLinks')} about={say('refusedHelp')}>
          <Stack gap={6}>
            {refused.map((e) => (
              <EvidenceLine key={e.id} evidence={e} />
            ))}
            {(view.separations ?? []).map((s) => (
              <Text size="sm" key={`${keyOf(s.a)} ${keyOf(s.b)}`}>
                <bdi>{s.a.value}</bdi> ≠ <bdi>{s.b.value}</bdi>{' '}
                <Text component="span" size="xs" c="dimmed">
                  {say('keptApart', { by: s.by })}
                </Text>
              </Text>
            ))}
          </Stack>
        </Part>
      )}
    </Stack>
  );
}

/** In words: each identifier, and what first tied it to those before it. */
function Why({ identifiers, evidence }: { identifiers: string[]; evidence: Evidence[] }) {
  const { say, day } = useLanguage(words);
  if (identifiers.length < 2) return <Text size="sm">{say('whyAlone')}</Text>;
  const known = new Set([identifiers[0]]);
  const steps: Evidence[] = [];
  const left = [...evidence].sort((a, b) => a.at.localeCompare(b.at));
  for (let found = true; found; ) {
    found = false;
    const i = left.findIndex((e) => known.has(keyOf(e.a)) !== known.has(keyOf(e.b)));
    if (i >= 0) {
      steps.push(left[i]);
      known.add(keyOf(left[i].a));
      known.add(keyOf(left[i].b));
      left.splice(i, 1);
      found = true;
    }
  }
  return (
    <Stack gap={4} mb="sm" component="ol" m={0} ps="lg" data-testid="why">
      {steps.slice(0, 8).map((e) => (
        <Text size="sm" component="li" key={e.id}>
          {say(`because_${e.rule}` as 'because_observed', {
            a: `${e.a.namespace} ${e.a.value}`,
            b: `${e.b.namespace} ${e.b.value}`,
            source: e.source,
            day: day(e.at),
          })}
        </Text>
      ))}
      {steps.length > 8 && (
        <Text size="xs" c="dimmed" component="li">
          {say('andMore', { count: steps.length - 8 })}
        </Text>
      )}
    </Stack>
  );
}

interface PictureProps {
  picture: Layout;
  own: string[];
  chosen: string | undefined;
  choose: (key: string | undefined) => void;
}

/** A part of a picture does what a button does. */
const pressed = (act: () => void) => ({
  onClick: act,
  onKeyDown: (e: KeyboardEvent) => {
    if (e.key !== 'Enter' && e.key !== ' ') return;
    e.preventDefault();
    act();
  },
});

/** Identifiers as boxes in columns by kind; what ties them as lines, which open to the evidence. */
function Picture({ picture, own, chosen, choose }: PictureProps) {
  const { say } = useLanguage(words);
  const at = new Map(picture.points.map((p) => [p.key, p]));
  const short = (v: string) => (v.length > 24 ? `${v.slice(0, 22)}…` : v);
  return (
    <div className="picture" dir="ltr">
      {/* biome-ignore lint/a11y/useSemanticElements: a picture is no form */}
      <svg
        viewBox={`0 0 ${picture.width} ${picture.height}`}
        role="group"
        aria-label={say('picture')}
        style={{ width: '100%', minWidth: 560, maxWidth: picture.width, display: 'block', margin: '0 auto' }}
      >
        {picture.lines.map((l) => {
          const [a, b] = [at.get(l.a), at.get(l.b)];
          if (!a || !b) return null;
          const key = `${l.a} ${l.b}`;
          const [mx, my] = [picture.width / 2, picture.height / 2];
          // Bent a little to the middle, so that lines over the same way can be told apart.
          const d = `M ${a.x} ${a.y} Q ${(a.x + b.x + mx) / 3} ${(a.y + b.y + my) / 3} ${b.x} ${b.y}`;
          const label = say('lineOf', { a: a.value, b: b.value, count: l.evidence.length });
          return (
            // biome-ignore lint/a11y/useSemanticElements: a line of a picture cannot be a button
            <path
              key={key}
              d={d}
              className="tie"
              data-state={l.state}
              data-rule={l.evidence[0].rule}
              data-chosen={chosen === key || undefined}
              role="button"
              tabIndex={0}
              aria-label={label}
              aria-pressed={chosen === key}
              {...pressed(() => choose(chosen === key ? undefined : key))}
            >
              <title>{label}</title>
            </path>
          );
        })}
        {picture.points.map((p) => (
          // biome-ignore lint/a11y/useSemanticElements: a box of a picture cannot be a button
          <g
            key={p.key}
            transform={`translate(${p.x - box.width / 2} ${p.y - box.height / 2})`}
            className="box"
            data-other={!own.includes(p.key) || undefined}
            data-chosen={chosen === p.key || undefined}
            role="button"
            tabIndex={0}
            aria-label={`${p.namespace} ${p.value} (${p.source})`}
            aria-pressed={chosen === p.key}
            {...pressed(() => choose(chosen === p.key ? undefined : p.key))}
          >
            <rect width={box.width} height={box.height} rx={6} />
            <text x={box.width / 2} y={14} textAnchor="middle">
              {short(p.value)}
            </text>
            <text x={box.width / 2} y={27} textAnchor="middle" className="from">
              {p.namespace} · {p.source}
            </text>
            <title>{`${p.namespace} ${p.value} (${p.source})`}</title>
          </g>
        ))}
      </svg>
    </div>
  );
}

function EvidenceLine({ evidence: e }: { evidence: Evidence }) {
  const { say, minute, percent } = useLanguage(words);
  return (
    <div>
      <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
        <bdi>{e.a.value}</bdi> – <bdi>{e.b.value}</bdi>{' '}
        <Badge size="xs" variant="light" color={e.state === 'joined' ? 'pine' : 'amber'} tt="none">
          {say(`state_${e.state}` as 'state_joined')}
        </Badge>
        {e.verified && (
          <Badge size="xs" variant="light" tt="none" ms={4}>
            {say('verified')}
          </Badge>
        )}
      </Text>
      <Text size="xs" c="dimmed">
        {[e.rule, e.source, minute(e.at), e.match && percent(e.match.probability), e.reason]
          .filter(Boolean)
          .join(' · ')}
      </Text>
    </div>
  );
}

interface ToldProps {
  line: Line;
  own: string[];
  all: Line[];
  view: Schema<'IdentityView'>;
}

/** What was told of two identifiers, and what becomes of the person without it. */
function Told({ line, own, all, view }: ToldProps) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const left = parts(own, all, (l) => l === line);
  const ids = line.evidence.filter((e) => e.state === 'joined').map((e) => e.id);
  return (
    <Paper withBorder p="sm" mt="sm" data-testid="told">
      <Stack gap={6}>
        {line.evidence.map((e) => (
          <EvidenceLine key={e.id} evidence={e} />
        ))}
        {ids.length > 0 && (
          <Group justify="space-between">
            <Text size="sm">
              {left.length > 1
                ? say('without', { rest: left[0].length, apart: left.slice(1).flat().length })
                : say('withoutNothing')}
            </Text>
            <AskFirst
              size="xs"
              right="serve"
              label={say('unmerge')}
              title={say('unmergeTitle')}
              consequence={<Consequence parts={left} view={view} />}
              act={() =>
                api.post('/api/v1/profiles/unmerge', {
                  body: { profile: view.profile as unknown as string, evidence: ids },
                })
              }
              done={() => {
                void queries.invalidateQueries({ queryKey: ['identity'] });
                void queries.invalidateQueries({ queryKey: ['profile'] });
              }}
            />
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

/** An identifier that is somebody else's becomes a person of its own. */
function TakeOut({ chosen, own, view }: { chosen: string; own: string[]; view: Schema<'IdentityView'> }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const i = view.identifiers?.find((x) => keyOf(x) === chosen);
  if (!i) return null;
  return (
    <Paper withBorder p="sm" mt="sm" data-testid="take-out">
      <Group justify="space-between">
        <Text size="sm">{say('takeOutHelp', { value: i.value, rest: own.length - 1 })}</Text>
        <AskFirst
          size="xs"
          right="serve"
          label={say('takeOut')}
          title={say('takeOutTitle', { value: i.value })}
          consequence={<Consequence parts={[own.filter((k) => k !== chosen), [chosen]]} view={view} />}
          act={() =>
            api.post('/api/v1/profiles/unmerge', {
              body: {
                profile: view.profile as unknown as string,
                identifiers: [{ namespace: i.namespace, value: i.value }],
              },
            })
          }
          done={() => {
            void queries.invalidateQueries({ queryKey: ['identity'] });
            void queries.invalidateQueries({ queryKey: ['profile'] });
          }}
        />
      </Group>
    </Paper>
  );
}

/** Who would be whom. */
function Consequence({ parts: left, view }: { parts: string[][]; view: Schema<'IdentityView'> }) {
  const { say } = useLanguage(words);
  const value = (key: string) => view.identifiers?.find((i) => keyOf(i) === key)?.value ?? key;
  return (
    <Stack gap="xs">
      <Text size="sm">{say(left.length > 1 ? 'unmergeHelp' : 'unmergeNothing')}</Text>
      {left.length > 1 &&
        left.map((p) => (
          <Text size="xs" key={p[0]} className="line" p={6} style={{ overflowWrap: 'anywhere' }}>
            <bdi>{p.map(value).join(', ')}</bdi>
          </Text>
        ))}
    </Stack>
  );
}
