import { Button, Stack } from '@mantine/core';
import { IconUsersPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, type Schema } from '../api';
import type { Condition } from '../audiences/condition';
import { Part } from '../parts/page';
import { useLanguage } from '../settings';
import { words } from './words';

/** Audiences of a score, each one click away: the builder opens with the condition. */
export function Act({ of }: { of: Schema<'ModelInForce'> }) {
  const { say, number } = useLanguage(words);
  const report = useQuery({
    queryKey: ['models', of.name, 'report', undefined, of.latest?.at],
    queryFn: () => api.get('/api/v1/models/{name}/report', { path: { name: of.name } }),
  });
  const score = (output: string) => `predictions.${of.name}.${output}`;
  const ideas: { label: string; where: Condition }[] = [];
  const first = of.outputs?.[0]?.name ?? '';
  if (of.kind === 'lookalike')
    for (const count of [500, 2000, 10_000])
      ideas.push({
        label: say('alike', { count: number(count) }),
        where: { and: [{ trait: score('rank'), op: 'lte', value: count }] },
      });
  else if (of.kind !== 'segments')
    ideas.push({
      label: say('best5', { output: first.replaceAll('_', ' ') }),
      where: { and: [{ trait: score('percentile'), op: 'gte', value: 95 }] },
    });
  if (of.kind === 'ltv')
    ideas.push({
      label: say('leaving'),
      where: {
        and: [
          { trait: score('percentile'), op: 'gte', value: 75 },
          { trait: score('p_alive'), op: 'lt', value: 0.4 },
        ],
      },
    });
  if (of.kind === 'churn' || of.kind === 'propensity')
    ideas.push({
      label: say('likely', { output: of.name.replaceAll('_', ' ') }),
      where: { and: [{ trait: score('probability'), op: 'gt', value: 0.6 }] },
    });
  if (of.kind === 'uplift')
    for (const advice of ['contact', 'leave alone'] as const)
      ideas.push({
        label: say(advice === 'contact' ? 'toContact' : 'toLeave'),
        where: { and: [{ trait: score('advice'), op: 'eq', value: advice }] },
      });
  const grouped = of.outputs?.find((o) => ['tier', 'segment', 'choice'].includes(o.name))?.name;
  if (grouped)
    for (const g of (report.data?.groups ?? []).slice(0, 8))
      ideas.push({
        label: g.name.replaceAll('_', ' '),
        where: { and: [{ trait: score(grouped), op: 'eq', value: g.name }] },
      });
  if (of.kind === 'send_time')
    for (const g of (report.data?.groups ?? []).slice(0, 8))
      ideas.push({
        label: `${g.name}:00`,
        where: { and: [{ trait: score('hour'), op: 'eq', value: Number(g.name) }] },
      });
  return (
    <Part title={say('act')} about={say('actHelp')}>
      <Stack gap={6}>
        {ideas.map((i) => (
          <Button
            key={i.label}
            size="xs"
            variant="default"
            justify="flex-start"
            leftSection={<IconUsersPlus size={15} aria-hidden />}
            renderRoot={(props) => <Link to="/audiences/new" search={{ where: i.where }} {...props} />}
          >
            {i.label}
          </Button>
        ))}
      </Stack>
    </Part>
  );
}
