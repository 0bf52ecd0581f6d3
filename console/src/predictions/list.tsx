import { Autocomplete, Badge, Button, Select, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChartDots, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { FormDialog } from '../parts/ask';
import { useAudienceNames, useEvents } from '../parts/names';
import { Page } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { type Column, DataTable } from '../parts/table';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { words } from './words';

type Of = Schema<'ModelInForce'>;

export function Predictions() {
  const { say, number, day } = useLanguage(words);
  const told = useQuery({
    queryKey: ['models'],
    queryFn: () => api.get('/api/v1/models'),
    refetchInterval: (q) => (q.state.data?.items?.some((m) => m.running) ? 1500 : 30_000),
  });
  const list = told.data?.items ?? [];
  const columns: Column<Of>[] = [
    {
      key: 'name',
      title: say('name'),
      value: (m) => m.name,
      show: (m) => (
        <>
          <Link className="link" to="/predictions/$name" params={{ name: m.name }} data-named>
            {m.name}
          </Link>
          <Text size="xs" c="dimmed">
            {m.description || say(`kind_${m.kind}`)}
          </Text>
        </>
      ),
    },
    {
      key: 'quality',
      title: say('quality'),
      value: (m) => m.latest?.quality,
      show: (m) => (m.latest ? <Quality of={m.latest.quality} /> : say('noVersion')),
    },
    {
      key: 'state',
      title: say('state'),
      from: 'xs',
      value: (m) => m.running?.doing ?? m.latest?.state,
      show: (m) => <State of={m} />,
    },
    {
      key: 'scored',
      title: say('scored'),
      align: 'end',
      from: 'sm',
      value: (m) => m.scored?.profiles,
      show: (m) => (m.scored ? number(m.scored.profiles) : '–'),
    },
    {
      key: 'trained',
      title: say('trained'),
      from: 'md',
      nowrap: true,
      value: (m) => m.latest?.at,
      show: (m) => (m.latest ? day(m.latest.at) : '–'),
    },
  ];
  const make = (
    <Allowed right="data">
      <NewModel />
    </Allowed>
  );
  return (
    <Page title={say('predictions')} about={say('about')} actions={list.length > 0 && make}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && list.length === 0 && (
        <Empty icon={IconChartDots} title={say('emptyTitle')} action={make}>
          {say('emptyHelp')}
        </Empty>
      )}
      {list.length > 0 && (
        <DataTable label={say('predictions')} rows={list} columns={columns} id={(m) => m.name} sort="name" />
      )}
    </Page>
  );
}

const colours: Record<string, string> = { good: 'pine', fair: 'yellow', poor: 'red' };

/** Quality in a word; the word says it, the colour repeats it. */
export function Quality({ of }: { of: string }) {
  const { say } = useLanguage(words);
  return (
    <Badge variant="dot" tt="none" color={colours[of] ?? 'gray'}>
      {say(`q_${of}` as 'q_good')}
    </Badge>
  );
}

function State({ of }: { of: Of }) {
  const { say } = useLanguage(words);
  if (of.running)
    return <>{say(`doing_${of.running.doing}` as 'doing_waits', { done: of.running.done, of: of.running.of ?? 0 })}</>;
  if (!of.latest) return <>–</>;
  return <>{say(`s_${of.latest.state}` as 's_trained')}</>;
}

const kinds = [
  'ltv',
  'early',
  'churn',
  'propensity',
  'discount',
  'segments',
  'lookalike',
  'uplift',
  'affinity',
  'send_time',
  'outside',
] as const satisfies Of['kind'][];
const overSpan = (kind: Of['kind']) => ['ltv', 'early', 'churn', 'propensity', 'uplift', 'outside'].includes(kind);
const hasTarget = (kind: Of['kind']) => ['propensity', 'uplift', 'outside'].includes(kind);
const choices = ['category', 'brand', 'product', 'channel'] as const;
type Choice = (typeof choices)[number];

function NewModel() {
  const { say, zone } = useLanguage(words);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const [name, setName] = useState('ltv');
  const [kind, setKind] = useState<Of['kind']>('ltv');
  const [horizon, setHorizon] = useState('90d');
  const [target, setTarget] = useState('order');
  const [audience, setAudience] = useState<string | null>(null);
  const [experiment, setExperiment] = useState('');
  const [control, setControl] = useState('');
  const [treated, setTreated] = useState('50');
  const [of, setOf] = useState<Choice>('category');
  const [event, setEvent] = useState('');
  const [hours, setHours] = useState(zone);
  const [every, setEvery] = useState('');
  const make = useMutation({
    mutationFn: async () => {
      const body = {
        name,
        kind,
        horizon: overSpan(kind) ? horizon : undefined,
        target: kind === 'send_time' ? event || undefined : hasTarget(kind) && target !== 'order' ? target : undefined,
        of: kind === 'affinity' ? of : undefined,
        zone: kind === 'send_time' ? hours || undefined : undefined,
        audience: kind === 'lookalike' ? (audience ?? undefined) : undefined,
        experiment: kind === 'uplift' ? experiment : undefined,
        control: kind === 'uplift' ? control || undefined : undefined,
        treated_share: kind === 'uplift' && treated !== '50' ? Number(treated) / 100 : undefined,
        train_every: every || undefined,
      };
      await api.post('/api/v1/models', { body });
      if (!every) await api.post('/api/v1/models/{name}/train', { path: { name } });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['models'] });
      await navigate({ to: '/predictions/$name', params: { name } });
    },
  });
  return (
    <>
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
        {say('newModel')}
      </Button>
      <FormDialog title={say('newModel')} opened={opened} close={close} doing={make} label={say('create')}>
        <Select
          label={say('kind')}
          description={say(`for_${kind}`)}
          allowDeselect={false}
          data={kinds.map((k) => ({ value: k, label: say(`kind_${k}`) }))}
          value={kind}
          onChange={(k) => {
            setKind((k ?? 'ltv') as Of['kind']);
            setName(k === 'segments' ? 'groups' : (k ?? 'ltv'));
          }}
        />
        <TextInput
          label={say('name')}
          description={say('nameHelp')}
          required
          pattern="[a-z][a-z0-9_]{0,39}"
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        {hasTarget(kind) && <Target value={target} onChange={setTarget} />}
        {kind === 'uplift' && (
          <>
            <TextInput
              label={say('experiment')}
              description={say('experimentHelp')}
              required
              maxLength={200}
              value={experiment}
              onChange={(e) => setExperiment(e.currentTarget.value)}
            />
            <TextInput
              label={say('control')}
              description={say('controlHelp')}
              maxLength={200}
              value={control}
              onChange={(e) => setControl(e.currentTarget.value)}
            />
            <TextInput
              label={say('treatedShare')}
              description={say('treatedShareHelp')}
              type="number"
              required
              min={1}
              max={99}
              step="any"
              value={treated}
              onChange={(e) => setTreated(e.currentTarget.value)}
            />
          </>
        )}
        {kind === 'affinity' && (
          <Select
            label={say('preferred')}
            allowDeselect={false}
            data={choices.map((c) => ({ value: c, label: say(`of_${c}`) }))}
            value={of}
            onChange={(c) => setOf((c ?? 'category') as Choice)}
          />
        )}
        {kind === 'send_time' && (
          <>
            <EventName value={event} onChange={setEvent} />
            <TextInput
              label={say('hoursZone')}
              description={say('hoursZoneHelp')}
              value={hours}
              onChange={(e) => setHours(e.currentTarget.value)}
            />
          </>
        )}
        {kind === 'lookalike' && <Seed value={audience} onChange={setAudience} />}
        {overSpan(kind) && (
          <Select
            label={say('horizon')}
            allowDeselect={false}
            data={(['30d', '60d', '90d', '180d', '1y'] as const).map((h) => ({ value: h, label: say(`h_${h}`) }))}
            value={horizon}
            onChange={(h) => setHorizon(h ?? '90d')}
          />
        )}
        <Select
          label={say('trainEvery')}
          allowDeselect={false}
          data={[
            { value: '', label: say('never') },
            { value: '7d', label: say('t_7d') },
            { value: '30d', label: say('t_30d') },
          ]}
          value={every}
          onChange={(t) => setEvery(t ?? '')}
        />
      </FormDialog>
    </>
  );
}

/** What the chance is of: an order, or an event that there is. */
function Target({ value, onChange }: { value: string; onChange: (target: string) => void }) {
  const { say } = useLanguage(words);
  const events = useEvents();
  return (
    <Autocomplete
      label={say('target')}
      description={say('targetHelp')}
      required
      data={['order', ...events.map((e) => e.value).filter((e) => e !== 'order')]}
      value={value}
      onChange={onChange}
    />
  );
}

/** The event whose hours count; none: what tells of responses. */
function EventName({ value, onChange }: { value: string; onChange: (event: string) => void }) {
  const { say } = useLanguage(words);
  const events = useEvents();
  return (
    <Autocomplete
      label={say('hoursOf')}
      description={say('hoursOfHelp')}
      data={events.map((e) => e.value)}
      value={value}
      onChange={onChange}
    />
  );
}

/** The audience whose like are looked for. */
function Seed({ value, onChange }: { value: string | null; onChange: (audience: string | null) => void }) {
  const { say } = useLanguage(words);
  const audiences = useAudienceNames();
  return (
    <Select
      label={say('seed')}
      description={say('seedHelp')}
      required
      searchable
      data={audiences.map((a) => a.value)}
      value={value}
      onChange={onChange}
    />
  );
}
