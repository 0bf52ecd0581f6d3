// What an experiment showed: its arms, the effect by score, and what choosing people adds.
import type { Schema } from '../api';
import { Behind } from '../parts/bars';
import { Chart } from '../parts/chart';
import { shares } from '../parts/lines';
import { Part } from '../parts/page';
import { Sheet } from '../parts/sheet';
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
      <Sheet
        head={[say('arm'), say('count'), say('measured'), say('rate')]}
        rows={(of.arms ?? []).map((a) => [
          a.treated ? say('treatedArm', { arm: a.name }) : a.name,
          number(a.people),
          number(a.learned),
          percent(a.rate),
        ])}
      />
    </Part>
  );
}

function Effects({ of }: { of: Of }) {
  const { say, number } = useLanguage(words);
  const groups = of.groups ?? [];
  const line = (name: string, value: (g: Schema<'UpliftGroup'>) => number | undefined, dashed = false) => ({
    name,
    dashed,
    points: groups.map((g, x) => {
      const y = points(value(g)) ?? null;
      return { x, y, title: `${x + 1}, ${name}: ${y === null ? '–' : number(y)}` };
    }),
  });
  const summary = say('effectsAbout');
  return (
    <Part title={say('effects')} about={summary}>
      <Chart
        summary={summary}
        unit={say('pointsUnit')}
        plot={{
          kind: 'lines',
          lines: [
            line(say('said'), (g) => g.said),
            line(say('came'), (g) => g.effect),
            line(say('atLeast'), (g) => g.low, true),
            line(say('atMost'), (g) => g.high, true),
          ],
          ticks: groups.map((_, x) => ({ x, label: number(x + 1) })),
          end: groups.length - 1,
          under: say('group'),
        }}
      />
      <Behind
        head={[say('group'), say('count'), say('said'), say('came'), say('atLeast'), say('atMost')]}
        rows={groups.map((g, i) => [
          i + 1,
          g.people,
          ...[g.said, g.effect, g.low, g.high].map((x) => (x === undefined ? '–' : number(points(x) ?? 0))),
        ])}
      />
    </Part>
  );
}

function Choosing({ of }: { of: Of }) {
  const { say, number, percent } = useLanguage(words);
  const curve = of.curve ?? [];
  const thousand = (x: number) => Number((1000 * x).toPrecision(3));
  const line = (name: string, value: (g: Schema<'UpliftGain'>) => number, dashed = false) => ({
    name,
    dashed,
    points: curve.map((g) => {
      const y = thousand(value(g));
      return { x: g.share * 100, y, title: `${name}, ${percent(g.share)}: ${number(y)}` };
    }),
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
        unit={say('addedUnit')}
        plot={{
          kind: 'lines',
          lines: [line(say('liftModel'), (g) => g.model), line(say('byLot'), (g) => g.by_lot, true)],
          ticks: shares(percent),
          end: 100,
          under: say('liftUnder'),
        }}
      />
      <Behind
        head={[say('share'), say('liftModel'), say('byLot')]}
        rows={curve.map((g) => [percent(g.share), thousand(g.model), thousand(g.by_lot)])}
      />
    </Part>
  );
}
