//! The wheel's nodes: a vector with a free list, and keys that a reused place does not answer.

use super::{Expired, NOWHERE};

/// The index that no node has.
pub(super) const NIL: u32 = u32::MAX;

/// Names one entry of a [`Wheel`](super::Wheel). A key whose entry is gone finds nothing, even if
/// another entry took its place (until a place has been reused 2^32 times).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    pub(super) fn index(self) -> u32 {
        self.index
    }
}

/// An entry's links and its time. The links of a free node are the free list's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) deadline: u64,
    pub(super) sequence: u64,
    pub(super) prev: u32,
    pub(super) next: u32,
    /// Level and slot as one number, or [`NOWHERE`].
    pub(super) place: u16,
    generation: u32,
}

#[derive(Debug)]
pub(super) struct Slab<T> {
    nodes: Vec<Node>,
    /// The value of the node with the same index; `None` if that is free.
    values: Vec<Option<T>>,
    free: u32,
    len: usize,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), values: Vec::new(), free: NIL, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Stores an entry that is in no slot yet.
    pub(super) fn insert(&mut self, deadline: u64, sequence: u64, value: T) -> Key {
        let (prev, next, place) = (NIL, NIL, NOWHERE);
        let index = if self.free == NIL {
            let index = u32::try_from(self.nodes.len()).ok().filter(|&index| index != NIL);
            let index = index.expect("fewer than u32::MAX timers");
            self.nodes.push(Node { deadline, sequence, prev, next, place, generation: 0 });
            self.values.push(Some(value));
            index
        } else {
            let index = self.free;
            let node = &mut self.nodes[index as usize];
            self.free = node.next;
            *node = Node { deadline, sequence, prev, next, place, generation: node.generation };
            self.values[index as usize] = Some(value);
            index
        };
        self.len += 1;
        Key { index, generation: self.nodes[index as usize].generation }
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let node = self.nodes.get(key.index as usize)?;
        if node.generation == key.generation {
            self.values[key.index as usize].as_ref()
        } else {
            None
        }
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let node = self.nodes.get(key.index as usize)?;
        if node.generation == key.generation {
            self.values[key.index as usize].as_mut()
        } else {
            None
        }
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut().flatten()
    }

    pub(super) fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    pub(super) fn node_mut(&mut self, index: u32) -> &mut Node {
        &mut self.nodes[index as usize]
    }

    /// Frees the place of an entry that is in no slot any more.
    pub(super) fn take(&mut self, index: u32) -> Expired<T> {
        let value = self.values[index as usize].take().expect("the node is in use");
        let node = &mut self.nodes[index as usize];
        node.generation = node.generation.wrapping_add(1);
        node.next = self.free;
        self.free = index;
        self.len -= 1;
        Expired { deadline: node.deadline, sequence: node.sequence, value }
    }
}
