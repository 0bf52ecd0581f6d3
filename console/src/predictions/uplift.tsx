// What an experiment showed: its arms, the effect by score, and what choosing people adds.
import { Table } from '@mantine/core';
import type { Schema } from '../api';
import { Chart } from '../parts/chart';
import { Part } from '../parts/page';
import { useLanguage } from '../settings';
import { words } from './words';

type Of = Schema<'UpliftReport'>;

export function Uplift({ of }: { of: Of }) {
  return (
    <>
      <Arms of={of} />
      <Effects of={of} />
      <Choosing of={of} />
    </>
  );
}

/** Probability in points. */
const points = (x: number | undefined) => (x === undefined ? undefined : Number((100 * x).toPrecision(3)));

function Arms({ of }: { of: Of }) {
  const { say, number, percent } = useLanguage(words);
  const { effect, low, high } = of.effect;
  return (
    <Part
      title={say('arms')}
      about={say('armsAbout', {
        effect: number(points(effect) ?? 0),
        low: low === undefined ? '–' : number(points(low) ?? 0),
        high: high === undefined ? '–' : number(points(high) ?? 0),
        both: of.both,
        early: of.early,
      })}
    >
      <Table.ScrollContainer minWidth={0} type="native" tabIndex={0}>
        <Table verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{say('arm')}</Table.Th>
              <Table.Th ta="end">{say('count')}</Table.Th>
              <Table.Th ta="end">{say('measured')}</Table.Th>
              <Table.Th ta="end">{say('rate')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {(of.arms ?? []).map((a) => (
              <Table.Tr key={a.name}>
                <Table.Td>{a.treated ? say('treatedArm', { arm: a.name }) : a.name}</Table.Td>
                <Table.Td ta="end">{number(a.people)}</Table.Td>
                <Table.Td ta="end">{number(a.learned)}</Table.Td>
                <Table.Td ta="end">{percent(a.rate)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Part>
  );
}

function Effects({ of }: { of: Of }) {
  const { say, number } = useLanguage(words);
  const groups = of.groups ?? [];
  const line = (
    name: string,
    value: (g: Schema<'UpliftGroup'>) => number | undefined,
    type = 'bar',
    dashed = false,
  ) => ({
    type,
    name,
    barMaxWidth: 26,
    showSymbol: false,
    lineStyle: { type: dashed ? 'dashed' : 'solid', width: 1.5 },
    data: groups.map((g) => points(value(g)) ?? null),
  });
  const summary = say('effectsAbout');
  return (
    <Part title={say('effects')} about={summary}>
      <Chart
        summary={summary}
        height={260}
        option={{
          legend: { top: 0 },
          grid: { left: 8, right: 8, top: 34, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
          tooltip: { trigger: 'axis' },
          xAxis: { type: 'category', data: groups.map((_, i) => String(i + 1)) },
          yAxis: { type: 'value' },
          series: [
            line(say('said'), (g) => g.said),
            line(say('came'), (g) => g.effect),
            line(say('atLeast'), (g) => g.low, 'line', true),
            line(say('atMost'), (g) => g.high, 'line', true),
          ],
        }}
        table={{
          head: [say('group'), say('count'), say('said'), say('came'), say('atLeast'), say('atMost')],
          rows: groups.map((g, i) => [
            i + 1,
            g.people,
            ...[g.said, g.effect, g.low, g.high].map((x) => (x === undefined ? '–' : number(points(x) ?? 0))),
          ]),
        }}
      />
    </Part>
  );
}

function Choosing({ of }: { of: Of }) {
  const { say, number, percent } = useLanguage(words);
  const curve = of.curve ?? [];
  const thousand = (x: number) => Number((1000 * x).toPrecision(3));
  const line = (name: string, value: (g: Schema<'UpliftGain'>) => number, dashed = false) => ({
    type: 'line',
    name,
    showSymbol: false,
    lineStyle: { type: dashed ? 'dashed' : 'solid', width: 2 },
    data: curve.map((g) => [Math.round(g.share * 100), thousand(value(g))]),
  });
  const summary = say(of.benefit ? 'choosingPays' : 'noBenefit', {
    qini: number(Number(of.qini.toPrecision(2))),
    low: number(Number(of.qini_low.toPrecision(2))),
    high: number(Number(of.qini_high.toPrecision(2))),
  });
  return (
    <Part title={say('choosing')} about={summary}>
      <Chart
        summary={summary}
        height={260}
        option={{
          legend: { top: 0 },
          grid: { left: 8, right: 16, top: 34, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
          tooltip: { trigger: 'axis' },
          xAxis: { type: 'value', min: 0, max: 100 },
          yAxis: { type: 'value' },
          series: [line(say('liftModel'), (g) => g.model), line(say('byLot'), (g) => g.by_lot, true)],
        }}
        table={{
          head: [say('share'), say('liftModel'), say('byLot')],
          rows: curve.map((g) => [percent(g.share), thousand(g.model), thousand(g.by_lot)]),
        }}
      />
    </Part>
  );
}
