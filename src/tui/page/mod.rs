//! STAND-IN until the page lands.
pub mod data { 
    use crate::calls::CallLog;
    #[derive(Clone, Debug)] pub struct Call;
    impl Call { pub fn all(_: Option<&CallLog>) -> Vec<Self> { Vec::new() } }
    pub use super::*;
}
use std::sync::Arc;
use ratatui::{buffer::Buffer, layout::Rect};
use crate::analysis::detail::{Detail, StreamView};
use crate::report::tree::Tree;
use super::sheet::Look;
#[derive(Clone, Debug)] pub struct OpenFrame { pub number: u64, pub bytes: Vec<u8>, pub tree: Tree }
#[derive(Clone, Debug, PartialEq, Eq)] pub enum PageMessage { Step(isize), Frame(u64), Return, Room(u16,u16), Click(u16,u16), Read(Box<Readout>) }
#[derive(Clone, Debug)] pub enum Readout { Frame(OpenFrame), Stream(Arc<StreamView>), Failed(String) }
impl PartialEq for Readout { fn eq(&self, _: &Self) -> bool { false } }
impl Eq for Readout {}
#[derive(Clone, Debug)] pub enum PageEffect { NeedFrame(u64), NeedStream(u64), Save{name:String, bytes:Vec<u8>}, Copy(String), Leave }
pub struct Subject { pub detail: Arc<Detail>, pub names: [Option<String>;2], pub calls: Vec<data::Call> }
impl Subject { pub fn new(detail: Arc<Detail>) -> Self { Self { detail, names: [None,None], calls: vec![] } } }
pub struct Page { subject: Subject }
impl Page {
 pub fn new(subject: Subject) -> Self { Self{subject} }
 pub fn detail(&self) -> &Detail { &self.subject.detail }
 pub fn is_typing(&self) -> bool { false }
 pub fn is_covered(&self) -> bool { false }
 pub fn update(&mut self, m: PageMessage) -> Vec<PageEffect> { if m == PageMessage::Return { vec![PageEffect::Leave] } else { vec![] } }
 pub fn draw(&self, _: Rect, _: &mut Buffer, _: &Look) {}
}
pub mod keys { use super::*; use crate::tui::keys::{Key,Binding}; pub fn message(_: &Page, _: Key) -> Option<PageMessage> { Some(PageMessage::Return) } pub fn table(_: &Page) -> &'static [Binding<PageMessage>] { &[] } }
