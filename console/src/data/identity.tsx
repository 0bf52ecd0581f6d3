import { Badge, Button, Code, CopyButton, Group, NumberInput, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconTestPipe } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { Part, Tile, Tiles } from '../parts/page';
import { Person } from '../parts/people';
import { Trouble, Waiting } from '../parts/said';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { DataPage } from './frame';
import { rulesText } from './rules';
import { words } from './words';

type Rules = Schema<'IdentityRules'>;
type Rule = Schema<'NamespaceRule'>;

/** Who is one person: how the graph is doing, the rules, and what other rules would change. */
export function IdentityRules() {
  const { say } = useLanguage(words);
  const rules = useQuery({ queryKey: ['identity', 'rules'], queryFn: () => api.get('/api/v1/identity/rules') });
  return (
    <DataPage title={say('identity')} about={say('identityAbout')}>
      <Health />
      {rules.error && <Trouble error={rules.error} />}
      {rules.isPending && <Waiting />}
      {rules.data && <Simulator rules={rules.data} />}
    </DataPage>
  );
}

function Health() {
  const { say, number, percent } = useLanguage(words);
  const told = useQuery({
    queryKey: ['identity', 'health'],
    queryFn: () => api.get('/api/v1/identity/health'),
    staleTime: 60_000,
  });
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  const h = told.data;
  const trust = h.matching;
  return (
    <>
      <Tiles>
        <Tile
          label={say('identified')}
          value={percent(h.identification_rate)}
          note={say('identifiedNote', { known: h.known, profiles: h.profiles })}
        />
        <Tile
          label={say('perPerson')}
          value={number(Math.round(h.identifiers_per_person * 100) / 100)}
          note={say('merges', { merges: h.merges, unmerges: h.unmerges })}
        />
        <Tile
          label={say('refusedLinks')}
          value={number(h.blocked_merges)}
          note={say('blockedNote', { count: h.blocked_values })}
        />
        <Tile
          label={say('wrongMatches')}
          value={percent(trust.over_merge)}
          note={say('wrongMatchesNote', { matches: trust.matches, open: trust.open })}
        />
      </Tiles>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Part title={say('identifiersByKind')}>
          <table className="table" data-tight data-bare>
            <tbody>
              {Object.entries(h.identifiers ?? {})
                .sort((x, y) => Number(y[1]) - Number(x[1]))
                .map(([ns, n]) => (
                  <tr key={ns}>
                    <td>{ns}</td>
                    <td data-end>{number(Number(n))}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </Part>
        <Allowed right="people">
          <Part title={say('lookAt')} about={say('lookAtHelp')}>
            <Stack gap={4}>
              {(h.suspicious ?? []).map((s) => (
                <Group key={s.id as unknown as string} justify="space-between" wrap="nowrap">
                  <Text size="sm" truncate>
                    <Person id={s.id as unknown as string} />
                  </Text>
                  <Text size="xs" c="dimmed">
                    {say('suspicious', { names: s.given_names, dates: s.birth_dates })}
                  </Text>
                </Group>
              ))}
              {(h.suspicious ?? []).length === 0 &&
                (h.largest ?? []).slice(0, 6).map((s) => (
                  <Group key={s.id as unknown as string} justify="space-between" wrap="nowrap">
                    <Text size="sm" truncate>
                      <Person id={s.id as unknown as string} />
                    </Text>
                    <Text size="xs" c="dimmed">
                      {say('manyIdentifiers', { count: s.identifiers })}
                    </Text>
                  </Group>
                ))}
            </Stack>
          </Part>
        </Allowed>
      </SimpleGrid>
    </>
  );
}

/** The rules in a table that can be changed, and what that would do; nothing is changed in truth. */
function Simulator({ rules }: { rules: Rules }) {
  const { say } = useLanguage(words);
  const [then, setThen] = useState<Record<string, Rule>>(rules.namespaces ?? {});
  const simulate = useMutation({
    mutationFn: () =>
      api.post('/api/v1/identity/simulate', { body: { rules: { ...rules, namespaces: then }, sample: 10 } }),
  });
  const put = (rules: Record<string, Rule>) => {
    setThen(rules);
    simulate.reset(); // what was counted is of other rules
  };
  const change = (ns: string, by: Partial<Rule>) => put({ ...then, [ns]: { ...then[ns], ...by } });
  const changed = JSON.stringify(then) !== JSON.stringify(rules.namespaces);
  const names = Object.keys(then).sort((a, b) => then[a].priority - then[b].priority || a.localeCompare(b));
  return (
    <Part
      title={say('rules')}
      about={say('rulesHelp')}
      actions={
        <>
          {changed && (
            <Button size="xs" variant="default" onClick={() => put(rules.namespaces ?? {})}>
              {say('asInForce')}
            </Button>
          )}
          <Allowed right="records">
            <Button
              size="xs"
              leftSection={<IconTestPipe size={14} aria-hidden />}
              loading={simulate.isPending}
              onClick={() => simulate.mutate()}
            >
              {say('simulate')}
            </Button>
          </Allowed>
        </>
      }
    >
      <div className="scroll">
        <table className="table" data-tight style={{ minWidth: 290 }}>
          <thead>
            <tr>
              <th>{say('namespace')}</th>
              <th style={{ width: 110 }}>{say('priority')}</th>
              <th style={{ width: 110 }}>{say('limit')}</th>
              <th className="mantine-visible-from-sm">{say('never')}</th>
            </tr>
          </thead>
          <tbody>
            {names.map((ns) => (
              <tr key={ns}>
                <td>
                  {ns}{' '}
                  {then[ns].unique && (
                    <Badge size="xs" variant="light" tt="none">
                      {say('unique')}
                    </Badge>
                  )}
                </td>
                <td>
                  <NumberInput
                    size="xs"
                    min={1}
                    max={1000}
                    aria-label={`${say('priority')}: ${ns}`}
                    value={then[ns].priority}
                    onChange={(v) => change(ns, { priority: Number(v) || 1 })}
                  />
                </td>
                <td>
                  <NumberInput
                    size="xs"
                    min={1}
                    aria-label={`${say('limit')}: ${ns}`}
                    value={then[ns].limit}
                    onChange={(v) =>
                      change(ns, { limit: Number(v) || 1, unique: Number(v) > 1 ? undefined : then[ns].unique })
                    }
                  />
                </td>
                <td className="mantine-visible-from-sm">
                  <Text size="xs" c="dimmed" lineClamp={1}>
                    {(then[ns].blocked ?? []).join(', ') || '–'}
                  </Text>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {simulate.error && <Trouble error={simulate.error} />}
      {simulate.data && <Simulated result={simulate.data} />}
      {simulate.data && changed && <Bring text={rulesText(rules.namespaces ?? {}, then)} />}
    </Part>
  );
}

/** Rules come into force by the configuration alone: what to put there. */
function Bring({ text }: { text: string }) {
  const { say } = useLanguage(words);
  return (
    <Stack mt="md" gap="xs" component="section" aria-label={say('bring')}>
      <Group justify="space-between">
        <Title order={3} size="h6">
          {say('bring')}
        </Title>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="compact-xs" variant="default" onClick={copy}>
              {say(copied ? 'copied' : 'copy')}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Text size="xs" c="dimmed">
        {say('inConfiguration')}
      </Text>
      <Code block dir="ltr" tabIndex={0} data-testid="rules-yaml">
        {text}
      </Code>
    </Stack>
  );
}

function Simulated({ result: r }: { result: Schema<'Simulation'> }) {
  const { say } = useLanguage(words);
  const names = (groups: Schema<'Identifier'>[][] | null) =>
    (groups ?? []).map((g) => g.map((i) => i.value).join(', '));
  return (
    <Stack mt="md" gap="sm" role="status" data-testid="simulated">
      <Text size="sm" fw={600}>
        {r.affected === 0
          ? say('nothingWould')
          : say('would', { before: r.profiles_before, after: r.profiles_after, merges: r.merges, splits: r.splits })}
      </Text>
      <Text size="xs" c="dimmed">
        {say('wouldMore', { affected: r.affected, blocked: r.blocked_merges, values: r.blocked_values })}
      </Text>
      {(r.sample ?? []).map((s, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a sample has no name, and stays as it is
        <SimpleGrid key={i} cols={{ base: 1, sm: 2 }} spacing="xs">
          {[
            { when: 'before' as const, groups: names(s.before as never) },
            { when: 'after' as const, groups: names(s.after as never) },
          ].map(({ when, groups }) => (
            <div key={when}>
              <Text size="xs" c="dimmed">
                {say(when)}
              </Text>
              {groups.map((g) => (
                <Text size="xs" key={g} className="line" p={4} mb={2} style={{ overflowWrap: 'anywhere' }}>
                  <bdi>{g}</bdi>
                </Text>
              ))}
            </div>
          ))}
        </SimpleGrid>
      ))}
    </Stack>
  );
}
