import { ActionIcon, Badge, Button, Group, Menu, PasswordInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots, IconUsers } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { FormDialog, Sure } from '../parts/ask';
import { Part } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { type Column, DataTable } from '../parts/table';
import { useMay } from '../rights';
import { useLanguage } from '../settings';
import { SettingsPage } from './frame';
import { type Role, roles, words } from './words';

type User = Schema<'User'>;

function useUsers() {
  const may = useMay();
  return useQuery({ queryKey: ['users'], queryFn: () => api.get('/api/v1/users'), enabled: may('govern') });
}

/** Who may sign in, and as what. */
export function People() {
  const { say, minute } = useLanguage(words);
  const users = useUsers();
  const list = users.data?.items ?? [];
  const columns: Column<User>[] = [
    {
      key: 'name',
      title: say('name'),
      value: (u) => u.name,
      show: (u) => (
        <Group gap="xs" wrap="nowrap">
          <Text size="sm" fw={600}>
            {u.name}
          </Text>
          {u.disabled ? (
            <Badge size="sm" color="gray" variant="outline" c="dimmed">
              {say('disabled')}
            </Badge>
          ) : null}
        </Group>
      ),
    },
    { key: 'role', title: say('role'), value: (u) => u.role, show: (u) => <RoleOf user={u} /> },
    {
      key: 'password',
      title: say('passwordSince'),
      value: (u) => u.password_since,
      show: (u) => minute(u.password_since),
      from: 'md',
    },
    {
      key: 'signed_in',
      title: say('signedIn'),
      value: (u) => u.signed_in,
      show: (u) => (u.signed_in ? minute(u.signed_in) : '–'),
      from: 'sm',
    },
    { key: 'acts', title: '', value: () => '', show: (u) => <Acts user={u} />, align: 'end' },
  ];
  return (
    <SettingsPage about={say('peopleAbout')} actions={<AddPerson />}>
      <Stack>
        {users.error && <Trouble error={users.error} />}
        {users.isPending && <Waiting />}
        {users.isSuccess && list.length === 0 && (
          <Empty icon={IconUsers} title={say('noPeople')}>
            {say('noPeopleHelp')}
          </Empty>
        )}
        {list.length > 0 && (
          <DataTable rows={list} columns={columns} id={(u) => u.name} label={say('people')} sort="name" />
        )}
        <Part title={say('whatRolesMay')}>
          <Stack gap={6} component="dl" m={0}>
            {roles.map((r) => (
              <Group key={r} gap="xs" align="baseline" wrap="nowrap">
                <Text component="dt" size="sm" fw={600} w={116} style={{ flexShrink: 0 }}>
                  {say(r)}
                </Text>
                <Text component="dd" size="sm" m={0}>
                  {say(`${r}May`)}
                </Text>
              </Group>
            ))}
          </Stack>
        </Part>
      </Stack>
    </SettingsPage>
  );
}

function useChange(name: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { role?: Role; disabled?: boolean }) =>
      api.put('/api/v1/users/{name}', { path: { name }, body: body as never }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users'] }),
  });
}

function useRoles() {
  const { say } = useLanguage(words);
  return roles.map((r) => ({ value: r, label: say(r) }));
}

function RoleOf({ user }: { user: User }) {
  const { say } = useLanguage(words);
  const change = useChange(user.name);
  return (
    <>
      <Select
        size="xs"
        w={150}
        maw="100%"
        aria-label={say('roleOf', { name: user.name })}
        data={useRoles()}
        value={user.role}
        disabled={change.isPending}
        allowDeselect={false}
        onChange={(role) => role && change.mutate({ role: role as Role })}
      />
      {change.error && <Trouble error={change.error} />}
    </>
  );
}

type Asked = 'password' | 'disable' | 'delete' | undefined;

/** What can be done with a person; what ends sessions is asked for first. */
function Acts({ user }: { user: User }) {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const change = useChange(user.name);
  const [asked, ask] = useState<Asked>();
  const close = () => ask(undefined);
  const remove = useMutation({
    mutationFn: () => api.delete('/api/v1/users/{name}', { path: { name: user.name } }),
    onSuccess: () => {
      close();
      return queries.invalidateQueries({ queryKey: ['users'] });
    },
  });
  const { name } = user;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={say('acts', { name })}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => ask('password')}>{say('newPassword')}</Menu.Item>
          {user.disabled ? (
            <Menu.Item onClick={() => change.mutate({ disabled: false })}>{say('enable')}</Menu.Item>
          ) : (
            <Menu.Item onClick={() => ask('disable')}>{say('disable')}</Menu.Item>
          )}
          <Menu.Item color="red" onClick={() => ask('delete')}>
            {say('deletePerson')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <NewPassword name={name} opened={asked === 'password'} close={close} />
      <Sure
        title={say('disableTitle', { name })}
        opened={asked === 'disable'}
        close={close}
        doing={{ ...change, mutate: () => change.mutate({ disabled: true }, { onSuccess: close }) }}
        label={say('disable')}
      >
        {say('disableHelp', { name })}
      </Sure>
      <Sure
        title={say('deleteTitle', { name })}
        opened={asked === 'delete'}
        close={close}
        doing={remove}
        label={say('deletePerson')}
      >
        {say('deleteHelp', { name })}
      </Sure>
    </>
  );
}

function NewPassword({ name, opened, close }: { name: string; opened: boolean; close: () => void }) {
  const { say } = useLanguage(words);
  const [password, setPassword] = useState('');
  const set = useMutation({
    mutationFn: () => api.put('/api/v1/users/{name}/password', { path: { name }, body: { password } }),
    onSuccess: () => {
      close();
      setPassword('');
    },
  });
  return (
    <FormDialog
      title={say('newPasswordOf', { name })}
      opened={opened}
      close={close}
      doing={set}
      label={say('setPassword')}
    >
      <Password value={password} set={setPassword} />
    </FormDialog>
  );
}

function Password({ value, set }: { value: string; set: (password: string) => void }) {
  const { say } = useLanguage(words);
  return (
    <PasswordInput
      label={say('newPassword')}
      description={say('passwordHelp')}
      value={value}
      onChange={(e) => set(e.currentTarget.value)}
      autoComplete="new-password"
      visibilityToggleButtonProps={{ 'aria-label': say('showSecret') }}
      required
    />
  );
}

function AddPerson() {
  const { say } = useLanguage(words);
  const queries = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('marketer');
  const [password, setPassword] = useState('');
  const data = useRoles();
  const add = useMutation({
    mutationFn: () => api.post('/api/v1/users', { body: { name, role, password } }),
    onSuccess: () => {
      close();
      setName('');
      setPassword('');
      return queries.invalidateQueries({ queryKey: ['users'] });
    },
  });
  return (
    <>
      <Button onClick={open} data-add-person>
        {say('addPerson')}
      </Button>
      <FormDialog title={say('addPerson')} opened={opened} close={close} doing={add} label={say('addPerson')}>
        <TextInput
          label={say('name')}
          description={say('nameHelp')}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          autoComplete="off"
          required
          data-autofocus
        />
        <Select
          label={say('role')}
          description={say(`${role}May`)}
          data={data}
          value={role}
          allowDeselect={false}
          onChange={(r) => r && setRole(r as Role)}
        />
        <Password value={password} set={setPassword} />
      </FormDialog>
    </>
  );
}
