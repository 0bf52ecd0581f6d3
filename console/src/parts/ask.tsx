import { Button, type ButtonProps, Group, Modal, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type Right, useMay } from '../rights';
import { useLanguage } from '../settings';
import { Trouble } from './said';

interface DialogProps {
  title: ReactNode;
  opened?: boolean;
  close: () => void;
  size?: 'lg' | 'xl';
  children: ReactNode;
}

/** What is done apart from the page; closed by its cross, by Escape, and by a click beside it. */
export function Dialog({ title, opened = true, close, size, children }: DialogProps) {
  const { say } = useLanguage();
  return (
    <Modal opened={opened} onClose={close} size={size} title={title} closeButtonProps={{ 'aria-label': say('cancel') }}>
      <Stack>{children}</Stack>
    </Modal>
  );
}

/** Something that is being done, and what went wrong with it. */
interface Doing {
  mutate: () => void;
  error: Error | null;
  isPending: boolean;
}

interface FormProps {
  doing: Doing;
  /** The word on the button that does it. */
  label: string;
  /** Whether enough is said. */
  ready?: boolean;
  children: ReactNode;
}

/** Fields, what went wrong, and the button that sends them. */
export function Form({ doing, label, ready = true, children }: FormProps) {
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        doing.mutate();
      }}
    >
      <Stack>
        {children}
        {doing.error && <Trouble error={doing.error} />}
        <Button type="submit" loading={doing.isPending} disabled={!ready}>
          {label}
        </Button>
      </Stack>
    </form>
  );
}

/** A dialog with a form. */
export function FormDialog({ title, opened, close, size, ...form }: DialogProps & FormProps) {
  return (
    <Dialog title={title} opened={opened} close={close} size={size}>
      <Form {...form} />
    </Dialog>
  );
}

interface SureProps extends DialogProps {
  doing: Doing;
  label: string;
}

/** A dialog that says what will come of something that cannot be taken back. */
export function Sure({ doing, label, children, ...dialog }: SureProps) {
  const { say } = useLanguage();
  return (
    <Dialog {...dialog}>
      <div>{children}</div>
      {doing.error && <Trouble error={doing.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={dialog.close}>
          {say('cancel')}
        </Button>
        <Button color="red" loading={doing.isPending} onClick={() => doing.mutate()}>
          {label}
        </Button>
      </Group>
    </Dialog>
  );
}

interface AskFirstProps extends ButtonProps {
  /** What the button says, and the one that does it. */
  label: string;
  title: string;
  /** What will come of it, in numbers where there are any. */
  consequence: ReactNode;
  act: () => Promise<unknown>;
  /** Who has not this right is not offered it. */
  right?: Right;
  done?: () => void;
}

/** A button for what cannot be taken back: it asks first. */
export function AskFirst({ label, title, consequence, act, right, done, ...button }: AskFirstProps) {
  const may = useMay();
  const [opened, { open, close }] = useDisclosure(false);
  const acting = useMutation({
    mutationFn: act,
    onSuccess: () => {
      close();
      done?.();
    },
  });
  if (right && !may(right)) return null;
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {label}
      </Button>
      <Sure title={title} opened={opened} close={close} doing={acting} label={label}>
        {consequence}
      </Sure>
    </>
  );
}
