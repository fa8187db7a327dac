//! Plots on a grid of characters: what is drawn where ([`raster`]), and what stands at the edges
//! ([`axis`]).

pub(in crate::tui::page) mod axis;
pub(in crate::tui::page) mod raster;
