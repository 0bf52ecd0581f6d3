// An answer: its chart, its table, and the people behind each of its numbers.
import { Button, Code, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api } from '../api';
import { Chart } from '../parts/chart';
import { OneOf } from '../parts/oneof';
import { Scroll } from '../parts/page';
import { useMay } from '../rights';
import { useLanguage } from '../settings';
import { Behind, type Picked } from './behind';
import { useFormat } from './format';
import { concentration, dimensionsOf, funnel, measuresOf, metric, type Plan, retention, rfm, sankey } from './options';
import type { Answer, Cell, Question } from './question';
import { words } from './words';

interface AnswerProps {
  question: Question;
  answer: Answer;
  /** On a dashboard: the chart alone, where there is one. */
  small?: boolean;
}

export function AnswerView({ question, answer, small }: AnswerProps) {
  const { say, minute } = useLanguage(words);
  const [picked, setPicked] = useState<Picked>();
  const [measure, setMeasure] = useState<string>();
  const measures = measuresOf(answer).filter((m) => !/ (before|change)$/.test(m.name));
  const chosen = measures.find((m) => m.name === measure)?.name ?? measures[0]?.name ?? '';
  const plan = usePlan(question, answer, chosen);
  const people = useMay()('people');
  const open = (cell: Cell | null, what: string, of?: string) =>
    people &&
    cell &&
    setPicked({ question, cell: of && question.kind === 'metric' ? { ...cell, measure: of } : cell, what });
  if ((answer.rows ?? []).length === 0) return <Text size="sm">{say('noAnswer')}</Text>;
  return (
    <Stack gap="sm">
      {plan && question.kind === 'metric' && measures.length > 1 && !small && (
        <Group gap="xs">
          <Text size="xs" c="dimmed">
            {say('chartOf')}
          </Text>
          <OneOf
            label={say('chartOf')}
            data={measures.map((m) => ({ value: m.name, label: m.name }))}
            value={chosen}
            set={setMeasure}
          />
        </Group>
      )}
      {plan && (
        <Chart
          plot={plan.plot}
          unit={plan.unit}
          summary={plan.summary}
          onPick={people ? (i) => open(plan.picks[i].cell, plan.picks[i].what || chosen, chosen) : undefined}
        />
      )}
      {(!small || !plan) && <AnswerTable answer={answer} open={open} most={small ? 8 : undefined} />}
      {!small && (
        <Text size="xs" c="dimmed">
          {answer.cut && `${say('cut')} `}
          {say('took', { ms: answer.took_ms, until: minute(answer.until) })}
        </Text>
      )}
      {!small && (
        <details className="behind">
          <summary>{say('showSql')}</summary>
          {(answer.sql ?? []).map((s) => (
            <Code block key={s} dir="ltr" mt="xs">
              {s}
            </Code>
          ))}
        </details>
      )}
      <Behind picked={picked} close={() => setPicked(undefined)} />
    </Stack>
  );
}

/** The chart of the answer, which is drawn anew only when it is another. */
function usePlan(q: Question, a: Answer, measure: string) {
  const { say } = useLanguage(words);
  const w = useFormat();
  const scores = useQuery({
    queryKey: ['explore', 'scores', JSON.stringify(q)],
    queryFn: () => api.post('/api/v1/explore', { body: { ...q, by: ['score'], limit: 200 } }),
    enabled: q.kind === 'rfm' && !q.by,
  }).data;
  return useMemo(() => planOf(q, a, measure, { say, w, scores }), [q, a, measure, say, w, scores]);
}

interface Given {
  say: ReturnType<typeof useLanguage<typeof words.en>>['say'];
  w: ReturnType<typeof useFormat>;
  /** Of an RFM question: how many people have each pair of scores. */
  scores?: Answer;
}

/** The chart of the answer, with what it says. */
function planOf(
  q: Question,
  a: Answer,
  measure: string,
  { say, w, scores }: Given,
): (Plan & { summary: string }) | undefined {
  const rows = (a.rows ?? []) as unknown[][];
  const at = (name: string) => (a.columns ?? []).findIndex((c) => c.name === name);
  switch (q.kind) {
    case 'metric':
    case 'leaks': {
      const name = q.kind === 'leaks' ? 'money_a_month' : measure;
      const shown = q.kind === 'leaks' ? { ...a, columns: (a.columns ?? []).filter((c) => c.name !== 'how') } : a;
      const plan = metric(shown, name, w);
      const top = [...rows].sort((x, y) => Number(y[at(name)]) - Number(x[at(name)]))[0];
      const dims = dimensionsOf(a).map((d) => d.name);
      const summary =
        q.kind === 'leaks'
          ? say('sumLeaks')
          : say('sumMetric', {
              measure: name,
              by: dims.join(', '),
              top: dims.map((d) => w.dimension(top?.[at(d)], d)).join(' · '),
              value: w.format(top?.[at(name)]),
            });
      return plan && { ...plan, summary };
    }
    case 'funnel':
      if (q.by?.length) return undefined;
      return {
        ...funnel(a, w),
        summary: say('sumFunnel', { steps: rows.length, share: w.format(rows.at(-1)?.[at('of_first')], 'percent') }),
      };
    case 'retention':
      if (q.by?.length) return undefined;
      return { ...retention(a, w, q.grain ?? 'month'), summary: say('sumRetention') };
    case 'paths': {
      const plan = sankey(a, w);
      return plan && { ...plan, summary: say('sumPaths') };
    }
    case 'rfm':
      return scores && { ...rfm(scores, w), summary: say('sumRfm') };
    case 'concentration': {
      const fifth = rows.find((r) => r[at('percent')] === 20);
      return {
        ...concentration(a, w),
        summary: say('sumConcentration', { share: w.format(fifth?.[at('of_amount')], 'percent') }),
      };
    }
    default:
      return undefined;
  }
}

interface TableProps {
  answer: Answer;
  open: (cell: Cell | null, what: string, of?: string) => void;
  most?: number;
  /** What stands above a column; the words for what questions answer when left out. */
  head?: (column: string) => string;
}

export function AnswerTable({ answer, open, most = 25, head }: TableProps) {
  const people = useMay()('people'); // who may not see them cannot open a number
  const { say } = useLanguage(words);
  const [all, setAll] = useState(false);
  const w = useFormat();
  const columns = answer.columns ?? [];
  const cells = (people ? (answer.cells ?? []) : []) as (Cell | null)[];
  const rows = (answer.rows ?? []) as unknown[][];
  const what = (r: unknown[]) =>
    columns
      .flatMap((c, i) => (c.role === 'dimension' && c.name !== 'how' ? [w.dimension(r[i], c.name)] : []))
      .join(' · ') || say('total');
  return (
    <>
      <Scroll>
        <table className="table" data-hover aria-label={say('table')}>
          <thead>
            <tr>
              {columns.map((c) => (
                <th key={c.name} data-end={c.role === 'measure' || undefined}>
                  {(head ?? w.head)(c.name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, all ? 2000 : most).map((r, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows of an answer have no name but their place
              <tr key={i}>
                {columns.map((c, j) =>
                  c.role === 'measure' ? (
                    <td key={c.name} data-end>
                      {cells[i] && r[j] !== null ? (
                        <button
                          type="button"
                          className="opens"
                          onClick={() => open(cells[i], what(r), c.name.replace(/ (before|change)$/, ''))}
                        >
                          {w.format(r[j], c.unit)}
                        </button>
                      ) : (
                        w.format(r[j], c.unit)
                      )}
                    </td>
                  ) : (
                    <td key={c.name}>
                      <bdi>{typeof r[j] === 'boolean' ? (r[j] ? '✓' : '–') : w.dimension(r[j], c.name)}</bdi>
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
          {answer.total && (
            <tfoot>
              <tr>
                {columns.map((c, j) => (
                  <th key={c.name} data-end={c.role === 'measure' || undefined}>
                    {j === 0 ? say('total') : w.format(answer.total?.[j], c.unit)}
                  </th>
                ))}
              </tr>
            </tfoot>
          )}
        </table>
      </Scroll>
      {rows.length > most && !all && (
        <Button size="xs" variant="default" w="fit-content" onClick={() => setAll(true)}>
          {say('allRows', { rows: rows.length })}
        </Button>
      )}
    </>
  );
}
