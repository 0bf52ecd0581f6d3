// The form of each kind of condition.
import { JsonInput, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useAudienceNames, useScores, useStages, useTraits } from '../parts/names';
import { useLanguage } from '../settings';
import { Behaviour, Sequence } from './behaviour';
import { kindOf, span } from './condition';
import { Choose, Num, Op, type RowProps, reshaped, Suggest, Value, Window } from './inputs';
import { words } from './words';

/** The form of one condition. */
export function Row({ of, set }: RowProps) {
  switch (kindOf(of)) {
    case 'trait':
    case 'prediction':
      return <Trait of={of} set={set} />;
    case 'percentile':
      return <Percentile of={of} set={set} />;
    case 'event':
      return <Behaviour of={of} set={set} />;
    case 'sequence':
      return <Sequence of={of} set={set} />;
    case 'message':
      return <Message of={of} set={set} />;
    case 'lifecycle':
      return <Stage of={of} set={set} />;
    case 'audience':
      return <Member of={of} set={set} />;
    case 'catalog':
      return <Stock of={of} set={set} />;
    case 'consent':
      return <Consent of={of} set={set} />;
    case 'identifier':
      return <Identified of={of} set={set} />;
    default:
      return <Json of={of} set={set} />;
  }
}

function Trait({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const traits = useTraits();
  const scores = useScores();
  // In SQL a score is a column, too; a definition names it by its model.
  const columns = new Set(scores.map((s) => s.value.replace('predictions.', '').replace('.', '_')));
  const op = of.op ?? 'eq';
  const prediction = kindOf(of) === 'prediction';
  return (
    <>
      <Suggest
        label={say(prediction ? 'kind_prediction' : 'kind_trait')}
        value={of.trait ?? ''}
        choices={prediction ? scores : traits.filter((t) => !columns.has(t.value))}
        set={(trait) => set({ ...of, trait })}
      />
      <Op value={op} set={(o) => set({ ...of, op: o, value: reshaped(o, of.value) })} />
      <Value op={op} value={of.value} set={(value) => set({ ...of, value })} of={{ trait: of.trait ?? '' }} />
    </>
  );
}

function Percentile({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const traits = useTraits();
  const p = of.percentile ?? { op: 'gte', value: 95 };
  return (
    <>
      <Suggest
        label={say('kind_trait')}
        value={of.trait ?? ''}
        choices={traits}
        set={(trait) => set({ ...of, trait })}
      />
      <Op numbers value={p.op} set={(op) => set({ ...of, percentile: { ...p, op } })} />
      <Num
        label={say('percentile')}
        value={p.value}
        set={(value) => set({ ...of, percentile: { ...p, value } })}
        max={100}
      />
      <Text size="xs">{say('percentileOf')}</Text>
    </>
  );
}

function Message({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const m = of.message ?? {};
  const count = of.count ?? { op: 'gte', value: 1 };
  const list = (xs: string[]) => xs.map((value) => ({ value }));
  return (
    <>
      <Suggest
        w={110}
        label={say('channel')}
        value={m.channel ?? ''}
        choices={list(['email', 'sms', 'push'])}
        set={(channel) => set({ ...of, message: { ...m, channel } })}
      />
      <Suggest
        w={120}
        label={say('status')}
        value={m.status ?? ''}
        choices={list(['sent', 'delivered', 'opened', 'clicked', 'bounced'])}
        set={(status) => set({ ...of, message: { ...m, status } })}
      />
      <Op numbers value={count.op} set={(op) => set({ ...of, count: { ...count, op } })} />
      <Num label={say('times')} value={count.value} set={(value) => set({ ...of, count: { ...count, value } })} />
      <Text size="xs">{say('times')}</Text>
      <Window of={of} set={set} />
    </>
  );
}

function Stage({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  return (
    <>
      <Suggest
        label={say('stage')}
        value={of.lifecycle ?? ''}
        choices={useStages()}
        set={(lifecycle) => set({ ...of, lifecycle })}
      />
      <Text size="xs">{say('forAtLeast')}</Text>
      <Num label={say('unit_d')} value={span(of.for)?.n} set={(n) => set({ ...of, for: n ? `${n}d` : undefined })} />
      <Text size="xs">{say('unit_d')}</Text>
    </>
  );
}

function Member({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  return (
    <Suggest
      w={240}
      label={say('kind_audience')}
      value={of.audience ?? ''}
      choices={useAudienceNames()}
      set={(audience) => set({ audience })}
    />
  );
}

function Stock({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const a = of.available ?? { op: 'gt', value: 0 };
  return (
    <>
      <Text size="xs">{say('wanted')}</Text>
      <Op numbers value={a.op} set={(op) => set({ ...of, available: { ...a, op } })} />
      <Num label={say('pieces')} value={a.value} set={(value) => set({ ...of, available: { ...a, value } })} />
      <Text size="xs">{say('pieces')}</Text>
    </>
  );
}

function Consent({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const list = (xs: string[]) => xs.map((value) => ({ value }));
  return (
    <>
      <Suggest
        w={130}
        label={say('purpose')}
        value={of.consent ?? ''}
        choices={list(['marketing', 'analytics', 'personalization'])}
        set={(consent) => set({ ...of, consent })}
      />
      <Suggest
        w={110}
        label={say('channel')}
        value={of.channel ?? ''}
        choices={list(['email', 'sms', 'push', 'phone'])}
        set={(channel) => set({ ...of, channel: channel || undefined })}
      />
      <Choose
        label={say('decision')}
        value={of.granted === false ? 'no' : 'yes'}
        data={{ yes: say('granted'), no: say('refused') }}
        set={(v) => set({ ...of, granted: v === 'yes' })}
      />
    </>
  );
}

function Identified({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const list = ['email', 'phone', 'user_id', 'anonymous_id'].map((value) => ({ value }));
  const value = of.exists === false ? 'no' : of.verified ? 'verified' : 'yes';
  return (
    <>
      <Suggest
        label={say('kind_identifier')}
        value={of.identifier ?? ''}
        choices={list}
        set={(identifier) => set({ ...of, identifier })}
      />
      <Choose
        label={say('comparison')}
        value={value}
        data={{ yes: say('op_exists'), verified: say('isVerified'), no: say('op_not_exists') }}
        set={(v) =>
          set({ identifier: of.identifier, exists: v !== 'no', verified: v === 'verified' ? true : undefined })
        }
      />
    </>
  );
}

/** A condition that no form shows whole. */
function Json({ of, set }: RowProps) {
  const { say } = useLanguage(words);
  const [text, setText] = useState(() => JSON.stringify(of));
  return (
    <Stack gap={2} style={{ flex: '1 1 260px' }}>
      <JsonInput
        size="xs"
        aria-label={say('asJson')}
        validationError={say('noJson')}
        autosize
        dir="ltr"
        value={text}
        onChange={(t) => {
          setText(t);
          try {
            const c = JSON.parse(t);
            if (c && typeof c === 'object' && !Array.isArray(c)) set(c);
          } catch {
            // said below the box; the definition stays as it was
          }
        }}
      />
    </Stack>
  );
}
