// The form of a question: what is asked, of whom, in which span.
import { Button, Checkbox, Group, MultiSelect, NativeSelect, Select, Stack, TagsInput, Text } from '@mantine/core';
import { IconFilterPlus, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, type Schema } from '../api';
import { Op, Remove, reshaped, Suggest, Value } from '../audiences/inputs';
import { useAudienceNames, useEvents, useTraits } from '../parts/names';
import { useLanguage } from '../settings';
import { type Kind, kinds, type Question, stepText, tidy, turned, withStepText } from './question';
import { words } from './words';

interface FormProps {
  q: Question;
  set: (q: Question) => void;
}

/** What questions can name. */
export function useFields() {
  return useQuery({
    queryKey: ['explore', 'fields'],
    queryFn: () => api.get('/api/v1/explore/fields'),
    staleTime: 5 * 60_000,
  });
}

const spans = ['', '7d', '30d', '90d', '180d', '365d'];
const within = ['1h', '24h', '7d', '30d', '90d'];

export function QuestionForm({ q, set }: FormProps) {
  const { say } = useLanguage(words);
  const put = (change: Partial<Question>) => set(tidy({ ...q, ...change }));
  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-end">
        <Select
          label={say('questions')}
          w={190}
          allowDeselect={false}
          maxDropdownHeight={420}
          data={kinds.map((k) => ({ value: k, label: say(`kind_${k}`) }))}
          value={q.kind}
          renderOption={({ option }) => (
            <div>
              <Text size="sm">{option.label}</Text>
              <Text size="xs" c="dimmed">
                {say(`for_${option.value as Kind}`)}
              </Text>
            </div>
          )}
          comboboxProps={{ width: 320, position: 'bottom-start' }}
          onChange={(k) => k && set(turned(q, k as Kind))}
        />
        <Own q={q} put={put} />
        <NativeSelect
          label={say('last')}
          w={160}
          data={[...new Set([...spans, q.last ?? ''])].map((s) => ({
            value: s,
            label: spans.includes(s) ? say(`last_${s}` as 'last_') : s,
          }))}
          value={q.last ?? ''}
          onChange={(e) => put({ last: e.currentTarget.value })}
        />
        <OfWhom q={q} put={put} />
      </Group>
      {(q.kind === 'funnel' || q.kind === 'retention') && <Steps q={q} put={put} />}
      <Filters q={q} put={put} />
    </Stack>
  );
}

interface PartProps {
  q: Question;
  put: (change: Partial<Question>) => void;
}

/** What only some kinds have. */
function Own({ q, put }: PartProps) {
  const { say } = useLanguage(words);
  const events = useEvents();
  const fields = useFields();
  const measures = (fields.data?.measures ?? []).map((m) => m.name);
  switch (q.kind) {
    case 'metric':
      return (
        <>
          <Measures q={q} put={put} data={measures} />
          <By q={q} put={put} most={3} />
          <Checkbox
            label={say('compare')}
            pb={8}
            checked={q.compare ?? false}
            onChange={(e) => put({ compare: e.currentTarget.checked })}
            disabled={!q.last}
          />
        </>
      );
    case 'funnel':
      return (
        <>
          <By q={q} put={put} most={1} />
          <NativeSelect
            label={say('within')}
            w={110}
            data={within}
            value={q.within ?? '30d'}
            onChange={(e) => put({ within: e.currentTarget.value })}
          />
        </>
      );
    case 'retention':
      return (
        <NativeSelect
          label={say('grain')}
          w={120}
          data={(['day', 'week', 'month', 'quarter'] as const).map((g) => ({ value: g, label: say(`grain_${g}`) }))}
          value={q.grain ?? 'month'}
          onChange={(e) => put({ grain: e.currentTarget.value as 'month' })}
        />
      );
    case 'paths': {
      const label = q.end ?? q.start ?? '';
      const towards = q.end !== undefined;
      return (
        <>
          <NativeSelect
            label={say('direction')}
            w={110}
            data={[
              { value: 'start', label: say('after') },
              { value: 'end', label: say('before') },
            ]}
            value={towards ? 'end' : 'start'}
            onChange={(e) =>
              put(e.currentTarget.value === 'end' ? { end: label, start: undefined } : { start: label, end: undefined })
            }
          />
          <Labelled label={say('label')}>
            <Suggest
              size="sm"
              label={say('label')}
              value={label}
              choices={events}
              set={(v) => put(towards ? { end: v } : { start: v })}
            />
          </Labelled>
          <NativeSelect
            label={say('depth')}
            w={120}
            data={['2', '3', '4', '5']}
            value={String(q.depth ?? 4)}
            onChange={(e) => put({ depth: Number(e.currentTarget.value) })}
          />
        </>
      );
    }
    case 'concentration':
      return (
        <NativeSelect
          label={say('amount')}
          w={150}
          data={['revenue', 'margin', 'orders', 'units']}
          value={q.measures?.[0] ?? 'revenue'}
          onChange={({ currentTarget: { value: m } }) => put({ measures: m === 'revenue' ? undefined : [m] })}
        />
      );
    case 'affinity':
      return (
        <>
          <NativeSelect
            label={say('item')}
            w={150}
            data={(['name', 'category', 'product'] as const).map((i) => ({ value: i, label: say(`item_${i}`) }))}
            value={q.item ?? 'product'}
            onChange={(e) => put({ item: e.currentTarget.value as 'name' })}
          />
          <NativeSelect
            label={say('basket')}
            w={230}
            data={(['order', 'customer'] as const).map((b) => ({ value: b, label: say(`basket_${b}`) }))}
            value={q.basket ?? 'order'}
            onChange={(e) => put({ basket: e.currentTarget.value as 'order' })}
          />
        </>
      );
    case 'rfm':
      return null;
    default:
      return null;
  }
}

function Labelled({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div>
      <Text size="sm" fw={600} aria-hidden>
        {label}
      </Text>
      {children}
    </div>
  );
}

function Measures({ q, put, data }: PartProps & { data: string[] }) {
  const { say } = useLanguage(words);
  return (
    <TagsInput
      label={say('measures')}
      miw={200}
      maw={420}
      maxTags={8}
      data={data}
      maxDropdownHeight={300}
      value={q.measures ?? []}
      onChange={(m) => put({ measures: m, order: undefined })}
    />
  );
}

function By({ q, put, most }: PartProps & { most: number }) {
  const { say } = useLanguage(words);
  const fields = useFields();
  const traits = useTraits();
  const names = [...new Set([...(fields.data?.dimensions ?? []).map((d) => d.name), ...traits.map((t) => t.value)])];
  return (
    <TagsInput
      label={say('by')}
      miw={150}
      maw={360}
      maxTags={most}
      data={names}
      maxDropdownHeight={300}
      value={q.by ?? []}
      onChange={(by) => put({ by, order: undefined })}
    />
  );
}

function OfWhom({ q, put }: PartProps) {
  const { say } = useLanguage(words);
  const names = useAudienceNames().map((a) => a.value);
  if (names.length === 0) return null;
  return (
    <>
      <MultiSelect
        label={say('audiences')}
        miw={150}
        maw={280}
        clearable
        data={names}
        value={q.audiences ?? []}
        onChange={(audiences) => put({ audiences })}
      />
      {(q.audiences?.length ?? 0) + (q.not_audiences?.length ?? 0) > 0 && (
        <MultiSelect
          label={say('notAudiences')}
          miw={150}
          maw={280}
          clearable
          data={names}
          value={q.not_audiences ?? []}
          onChange={(a) => put({ not_audiences: a })}
        />
      )}
    </>
  );
}

const tables = ['orders', 'order_lines', 'returns', 'conversations', 'messages', 'consents'];

function Steps({ q, put }: PartProps) {
  const { say } = useLanguage(words);
  const steps = q.steps ?? [];
  const least = q.kind === 'funnel' ? 2 : 0;
  const most = q.kind === 'funnel' ? 10 : 2;
  return (
    <Group gap="xs">
      {steps.map((s, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a step has no name but its place
        <Group key={i} gap={2} wrap="nowrap">
          <Step
            label={say('step', { n: i + 1 })}
            value={stepText(s)}
            set={(t) => put({ steps: steps.map((o, j) => (i === j ? withStepText(o, t) : o)) })}
          />
          {steps.length > least && (
            <Remove label={say('removeStep')} act={() => put({ steps: steps.filter((_, j) => j !== i) })} />
          )}
        </Group>
      ))}
      {steps.length < most && (
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconPlus size={13} aria-hidden />}
          onClick={() => put({ steps: [...steps, { event: '' }] })}
        >
          {say('addStep')}
        </Button>
      )}
    </Group>
  );
}

interface NamedProps {
  label: string;
  value: string;
  set: (v: string) => void;
}

/** A step by its name. What there is to choose from is asked for where there is a step. */
function Step(props: NamedProps) {
  return <Suggest {...props} w={180} choices={[...tables.map((t) => ({ value: `table:${t}` })), ...useEvents()]} />;
}

/** What a filter looks at, likewise. */
function Field(props: NamedProps) {
  const fields = useFields();
  const all = [...(fields.data?.dimensions ?? []).map((d) => ({ value: d.name })), ...useTraits()];
  const choices = all.filter((c, i) => all.findIndex((d) => d.value === c.value) === i);
  return <Suggest {...props} w={150} choices={choices} />;
}

function Filters({ q, put }: PartProps) {
  const { say } = useLanguage(words);
  const where = q.where ?? [];
  if (['lifecycle', 'insight'].includes(q.kind)) return null;
  const set = (i: number, f: Schema<'Filter'>) => put({ where: where.map((o, j) => (i === j ? f : o)) });
  return (
    <Group gap="xs">
      {where.map((f, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a filter has no name but its place
        <Group key={i} gap={4}>
          <Text size="xs" c="dimmed">
            {say('filters')}
          </Text>
          <Field label={say('field')} value={f.field} set={(field) => set(i, { ...f, field })} />
          <Op value={f.op ?? 'eq'} set={(op) => set(i, { ...f, op, value: reshaped(op, f.value) })} />
          <Value op={f.op ?? 'eq'} value={f.value} of={{ trait: f.field }} set={(value) => set(i, { ...f, value })} />
          <Remove label={say('removeFilter')} act={() => put({ where: where.filter((_, j) => j !== i) })} />
        </Group>
      ))}
      <Button
        size="compact-xs"
        variant="subtle"
        leftSection={<IconFilterPlus size={13} aria-hidden />}
        onClick={() => put({ where: [...where, { field: '', op: 'eq', value: '' }] })}
      >
        {say('addFilter')}
      </Button>
    </Group>
  );
}
