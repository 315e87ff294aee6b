//! What the controller of a built-in kind makes again from what is brought back (contract A22, decided the other way: made
//! beside their controllers they would be there twice).

use super::Choice;
use crate::restore::card::Card;
use crate::restore::identity::Identities;
use crate::restore::kinds;
use crate::restore::verdict::Skip;

/// CronJob, Job, Pod, claim is the longest chain of built-in kinds. A crafted snapshot may have circles.
const LONGEST: usize = 8;

/// Who makes what.
pub struct Makers<'a> {
    cards: &'a [Card],
    identities: Identities<'a>,
}

impl<'a> Makers<'a> {
    pub fn of(cards: &'a [Card]) -> Self {
        Self { cards, identities: Identities::of(cards.iter().enumerate()) }
    }

    /// Why an object need not be made: its controller comes back, or it had ended or was being deleted, and so had this.
    /// `gated` has a choice for each card that does not come back for other reasons.
    pub fn made_again(&self, index: usize, gated: &[Option<Choice>]) -> Option<Skip> {
        let mut found = None;
        let mut at = index;
        for _ in 0..LONGEST {
            let Some(maker) = self.maker(at) else { break };
            match &gated[maker] {
                Some(Choice::Skip(skip @ (Skip::BeingDeleted | Skip::Completed))) => {
                    return Some(skip.clone());
                }
                Some(_) => break,
                None => {}
            }
            let card = &self.cards[maker];
            found.get_or_insert_with(|| Skip::Owned { by: format!("{} {}", card.kind, card.key.name) });
            at = maker;
        }
        found
    }

    fn maker(&self, index: usize) -> Option<usize> {
        let card = &self.cards[index];
        let owner = card.controller()?;
        if !kinds::is_made_by(&card.key.group_resource, (owner.group(), &owner.kind)) {
            return None;
        }
        self.identities.owner(card, owner)
    }
}
