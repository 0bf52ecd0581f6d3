import { Alert, Badge, Button, Checkbox, Code, CopyButton, Group, Select, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { AskFirst, Dialog, Form } from '../parts/ask';
import { OneOf } from '../parts/oneof';
import { Empty, Trouble, Waiting } from '../parts/said';
import { type Column, DataTable } from '../parts/table';
import { useMay } from '../rights';
import { useLanguage } from '../settings';
import { SettingsPage } from './frame';
import { type Role, roles, words } from './words';

type Token = Schema<'Info'>;
const scopes = ['read', 'write', 'collect', 'admin'];

/** Tokens of programs. */
export function Tokens() {
  const { say, minute } = useLanguage(words);
  const may = useMay();
  const queries = useQueryClient();
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => api.get('/api/v1/tokens'), enabled: may('govern') });
  const list = tokens.data?.items ?? [];
  const allows = (t: Token) => (t.role ? say('roleText', { role: say(t.role as Role) }) : (t.scopes ?? []).join(', '));
  const columns: Column<Token>[] = [
    { key: 'name', title: say('name'), value: (t) => t.name },
    { key: 'allows', title: say('allows'), value: allows },
    { key: 'created', title: say('created'), value: (t) => t.created, show: (t) => minute(t.created), from: 'sm' },
    {
      key: 'state',
      title: say('state'),
      value: (t) => (t.revoked ? say('revoked') : say('inUse')),
      show: (t) =>
        t.revoked ? (
          <Badge size="sm" color="gray" variant="outline" c="dimmed">
            {say('revoked')}
          </Badge>
        ) : (
          <AskFirst
            size="compact-xs"
            label={say('revoke')}
            title={say('revokeTitle', { name: t.name })}
            consequence={<Text size="sm">{say('revokeHelp')}</Text>}
            act={() => api.delete('/api/v1/tokens/{name}', { path: { name: t.name } })}
            done={() => void queries.invalidateQueries({ queryKey: ['tokens'] })}
          />
        ),
      align: 'end',
    },
  ];
  return (
    <SettingsPage about={say('tokensAbout')} actions={<MakeToken />}>
      {tokens.error && <Trouble error={tokens.error} />}
      {tokens.isPending && <Waiting />}
      {tokens.isSuccess && list.length === 0 && (
        <Empty icon={IconKey} title={say('noTokens')}>
          {say('tokensAbout')}
        </Empty>
      )}
      {list.length > 0 && (
        <DataTable
          rows={list}
          columns={columns}
          id={(t) => `${t.name} ${t.created}`}
          label={say('tokens')}
          sort="-created"
        />
      )}
    </SettingsPage>
  );
}

function MakeToken() {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const [name, setName] = useState('');
  const [kind, setKind] = useState('scopes');
  const [chosen, setChosen] = useState<string[]>(['read']);
  const [role, setRole] = useState<Role>('viewer');
  const make = useMutation({
    mutationFn: () =>
      api.post('/api/v1/tokens', { body: (kind === 'role' ? { name, role } : { name, scopes: chosen }) as never }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['tokens'] }),
  });
  const leave = () => {
    close();
    make.reset(); // the secret is not left behind
    setName('');
  };
  return (
    <>
      <Button onClick={open}>{say('makeToken')}</Button>
      <Dialog title={say('makeToken')} opened={opened} close={leave}>
        {make.data ? (
          <>
            <Alert color="yellow">{say('shownOnce')}</Alert>
            <Code block style={{ wordBreak: 'break-all', whiteSpace: 'pre-wrap' }}>
              {make.data.token}
            </Code>
            <Group justify="flex-end">
              <CopyButton value={make.data.token}>
                {({ copied, copy }) => (
                  <Button variant="default" onClick={copy}>
                    {say(copied ? 'copied' : 'copy')}
                  </Button>
                )}
              </CopyButton>
              <Button onClick={leave}>{say('done')}</Button>
            </Group>
          </>
        ) : (
          <Form doing={make} label={say('makeToken')}>
            <TextInput
              label={say('name')}
              description={say('nameHelp')}
              value={name}
              onChange={(e) => setName(e.currentTarget.value)}
              required
              data-autofocus
            />
            <OneOf
              label={say('kind')}
              value={kind}
              set={setKind}
              data={[
                { value: 'scopes', label: say('byScope') },
                { value: 'role', label: say('byRole') },
              ]}
            />
            {kind === 'role' ? (
              <Select
                label={say('role')}
                description={say(`${role}May`)}
                data={roles.map((r) => ({ value: r, label: say(r) }))}
                value={role}
                allowDeselect={false}
                onChange={(r) => r && setRole(r as Role)}
              />
            ) : (
              <Checkbox.Group label={say('byScope')} value={chosen} onChange={setChosen}>
                <Group mt={6}>
                  {scopes.map((s) => (
                    <Checkbox key={s} value={s} label={s} />
                  ))}
                </Group>
              </Checkbox.Group>
            )}
          </Form>
        )}
      </Dialog>
    </>
  );
}
